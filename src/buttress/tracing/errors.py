"""What can go wrong in tracing, as a user sees it."""

from buttress.kernel.errors import ButtressError


class TraceUnknown(ButtressError):
    """No trace has this id, or it belongs to another tenant; the two are not told apart."""

    code = "tracing.unknown"
    hint = "List the latest ones: buttress trace list"
