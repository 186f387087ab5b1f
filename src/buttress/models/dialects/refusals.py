"""What an upstream means by its status codes and error objects. Pure.

OpenAI, Anthropic and Google all put `{"error": {"message", ...}}` around what went wrong; its kind is a
`type` or `code`, or Google's `status` and the `reason` of its `details`. No word means one thing to the one
and another to the other: one table serves all.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE, ButtressError
from buttress.models.errors import (
    BadAnswer,
    BadRequest,
    ModelUnavailable,
    RateLimited,
    RefusedKey,
    WindowExceeded,
)

MAX_MESSAGE = 300
_INNER_ADDRESS = re.compile(
    r"(?:\w+://)?(?:\[[0-9a-fA-F:]+\]|\d{1,3}(?:\.\d{1,3}){3}|\blocalhost\b"
    r"|(?:[\w-]+\.)+(?:internal|local|localdomain|lan|svc)\b(?:\.[\w-]+)*)(?::\d+)?(?:/[^\s\"'<>]*)?"
)
"""An IP address, or a name that only a network of its own knows, with scheme, port and path."""

_WINDOW_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
_WINDOW_WORDS = (
    "maximum context length",
    "context window",
    "context size",
    "context length",
    "context limit",
    "maximum number of tokens",
    "prompt is too long",
)
_NO_MONEY = frozenset({"insufficient_quota", "BILLING_DISABLED"})
_BAD_KEY = frozenset({"API_KEY_INVALID"})
"""Google's word for a key that it does not know; it says so with 400."""
_STATUS_OF = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_BY_STATUS: dict[int, type[ButtressError]] = {
    401: RefusedKey,
    402: RefusedKey,
    403: RefusedKey,
    408: ModelUnavailable,
    409: ModelUnavailable,
    425: ModelUnavailable,
}
_OVERLOADED = frozenset({503, 529})
_TOO_LATE = frozenset({408, 504})
"""Somebody on the way gave up waiting: the model may have worked, and is paid."""

_BY_HUNDRED: dict[int, type[ButtressError]] = {4: BadRequest, 5: ModelUnavailable}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is not a completion: its status, its error object or text, and the wait it asks for."""

    status: int
    codes: frozenset[str] = frozenset()
    message: str = ""
    retry_after_s: float | None = None


def error_of_response(model: Model, refusal: Refusal) -> ButtressError:
    """Return the error that a response of another status than 200 stands for."""
    said = f"{model.name} answered {refusal.status}" + (f": {refusal.message}" if refusal.message else "")
    return _error(said, refusal)


def error_in_stream(model: Model, error: object, secret: str = "") -> ButtressError:
    """Return the error that an `error` object stands for that came in the middle of a stream.

    `secret` is taken out of what it says, unless that was done before.
    """
    codes, message = _read_error(error, secret)
    status = next((int(code) for code in codes if code.isdecimal() and len(code) == 3), None)
    status = status or next((_STATUS_OF[code] for code in sorted(codes) if code in _STATUS_OF), 500)
    said = f"{model.name} failed in the middle of its answer" + (f": {message}" if message else "")
    wait = _retry_delay(error)
    return _error(said, Refusal(status=status, codes=codes, message=message, retry_after_s=wait))


def _error(said: str, refusal: Refusal) -> ButtressError:
    if _is_window(refusal):
        return WindowExceeded(said)
    if refusal.codes & (_NO_MONEY | _BAD_KEY):
        return RefusedKey(said)
    if refusal.status == 429:
        return RateLimited(said, retry_after_s=refusal.retry_after_s)
    kind = _BY_STATUS.get(refusal.status, _BY_HUNDRED.get(refusal.status // 100, BadAnswer))
    if kind is ModelUnavailable:
        return ModelUnavailable(
            said, may_have_worked=refusal.status in _TOO_LATE, is_overloaded=refusal.status in _OVERLOADED
        )
    return kind(said)


def _is_window(refusal: Refusal) -> bool:
    if refusal.status == 413 or refusal.codes & _WINDOW_CODES:
        return True
    return refusal.status == 400 and any(words in refusal.message.lower() for words in _WINDOW_WORDS)


def read_refusal(status: int, body: bytes, *, secret: str, retry_after_s: float | None) -> Refusal:
    """Return what a refused request was told; `secret` is taken out, should the upstream repeat it.

    `retry_after_s` is what its headers said; without it counts what the error says.
    """
    try:
        decoded = msgspec.json.decode(body)
    except UNDECODABLE:
        decoded = body.decode(errors="replace")
    if isinstance(decoded, list) and len(decoded) == 1:
        decoded = decoded[0]  # Google, of a stream that has not begun
    error = decoded.get("error", decoded) if isinstance(decoded, dict) else decoded
    codes, message = _read_error(error, secret)
    wait = _retry_delay(error) if retry_after_s is None else retry_after_s
    return Refusal(status=status, codes=codes, message=message, retry_after_s=wait)


def _read_error(error: object, secret: str) -> tuple[frozenset[str], str]:
    if not isinstance(error, dict):
        return frozenset(), one_line(str(error), secret)
    named = [error.get(key) for key in ("code", "type", "status")]
    reasons = [detail.get("reason") for detail in _details(error)]
    codes = frozenset(str(one) for one in (*named, *reasons) if one is not None)
    return codes, one_line(str(error.get("message") or error.get("detail") or ""), secret)


def _details(error: object) -> list[dict[str, object]]:
    """Return the objects that Google puts beside an error to say more about it."""
    details = error.get("details") if isinstance(error, dict) else None
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _retry_delay(error: object) -> float | None:
    """Return the seconds to wait that a `RetryInfo` among Google's details asks for: `34s`, `0.5s`."""
    told = [_number(str(one.get("retryDelay", "")).removesuffix("s")) for one in _details(error)]
    return next((max(0.0, seconds) for seconds in told if seconds is not None), None)


def one_line(message: str, secret: str) -> str:
    """Return `message` on one line, without control characters and the secret, at most MAX_MESSAGE long.

    Addresses within a network are taken out, too: a proxy's error page tells them, and clients read it.
    """
    if secret:
        message = message.replace(secret, "***")
    line = " ".join("".join(one if one.isprintable() else " " for one in message).split())
    line = _INNER_ADDRESS.sub("***", line[: 2 * MAX_MESSAGE])
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 1]}…"


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait that `retry-after-ms` or `Retry-After` (seconds or a date) ask for."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        seconds = _until(text, now)
    return None if seconds is None else max(0.0, seconds)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
