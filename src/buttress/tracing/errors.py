"""What can go wrong in tracing, as a user sees it."""

from buttress.kernel.errors import ButtressError


class TraceUnknown(ButtressError):
    """No trace has this id, or it belongs to another tenant; the two are not told apart."""

    code = "tracing.unknown"
    hint = "List the latest ones: buttress trace list"


class SpendingUnclear(ButtressError):
    """What was spent is asked for by a dimension or in a time zone that there is not."""

    code = "tracing.spending_unclear"
    hint = "See what it takes: buttress spend --help, or /api/openapi.json."

    def __init__(self, param: str, message: str, hint: str) -> None:
        """Say which parameter is wrong."""
        super().__init__(f"{param}: {message}", hint=hint, data={"param": param})
