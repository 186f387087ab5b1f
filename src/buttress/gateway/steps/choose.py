"""Choose: which release answers."""

from buttress.gateway.call import Call
from buttress.gateway.errors import FeatureUnknown
from buttress.gateway.types import Admitted, Chosen
from buttress.kernel.located import did_you_mean


async def choose(admitted: Admitted, call: Call) -> Chosen:
    """Return the release of the feature asked for; channels and experiments are not built yet.

    Raises:
        FeatureUnknown: the project has no such feature.
    """
    with call.recorder.span("choose") as span:
        name, releases = admitted.asked.feature, call.ports.releases
        if name not in releases:
            known = ", ".join(sorted(releases)) or "none"
            hint = did_you_mean(name, sorted(releases)) or f"Known features: {known}."
            raise FeatureUnknown(f"no feature is called {name!r}", hint=hint)
        release = releases[name]
        call.release_id = release.release_id
        span.data["release"] = release.release_id
        return Chosen(admitted, release)
