"""What can go wrong on the demo page."""

from buttress.kernel.errors import ButtressError


class DocumentUnknown(ButtressError):
    """There is no such document, or none that whoever asks may see: both are said alike."""

    code = "server.document_unknown"
    hint = "It may have been changed or removed since it was cited; ask again."


class DrillsOff(ButtressError):
    """A request wants something to be broken, and this project does not allow it."""

    code = "server.drills_off"
    hint = "Set server.drills to true, where nobody works with this server."


class NothingToKill(ButtressError):
    """No process of a local model runs just now."""

    code = "server.nothing_to_kill"
    hint = (
        "If it was killed a moment ago, it is being started again; "
        "else let one run: a model with `provider: local` in models.yaml."
    )


class CrossSite(ButtressError):
    """Another web site, open in the same browser, sent this request."""

    code = "server.cross_site"
    hint = "Send it from the demo page, or from a program of yours, as JSON."
