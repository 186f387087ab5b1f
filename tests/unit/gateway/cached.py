"""A feature whose answers are kept, to test the steps of the cache with."""

import msgspec

from buttress.gateway.ports import Ports
from buttress.kernel.cached import CachePolicy
from buttress.releases.types import Release
from buttress.testing.upstream import ScriptedUpstream
from tests.unit.gateway.answers import AnswersInMemory
from tests.unit.gateway.world import WRITE, World, a_model, a_release, with_release

PLAIN_PROMPT = {"answer.md": "# user\n\n{{ question }}\n"}
KEPT = CachePolicy()


def a_plain_release(upstream: ScriptedUpstream, *more: ScriptedUpstream, **changes: object) -> Release:
    """Return a release that asks its model at once, and keeps what it says."""
    models = [a_model(one.url, f"writer{at or ''}") for at, one in enumerate((upstream, *more))]
    plain = {"stages": (WRITE,), "prompts": PLAIN_PROMPT, "cache": KEPT}
    return a_release(*models, **{**plain, **changes})


def with_cache(world: World, release: Release, answers: AnswersInMemory | None = None) -> Ports:
    """Return the ports of a world whose only feature is `release`, with `answers`, new ones if none."""
    return msgspec.structs.replace(with_release(world, release), answers=answers or AnswersInMemory())
