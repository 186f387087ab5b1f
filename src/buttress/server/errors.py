"""From an error's code to an HTTP status: the one place where an error becomes a response."""

import math
from collections.abc import Sequence

import msgspec
import structlog

from buttress.access.errors import KeyMissing, KeyOver, KeyUnknown, RateLimited
from buttress.kernel.errors import ButtressError

_log = structlog.get_logger("buttress.server")

MISTAKES = (
    *(RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(OSError, MemoryError, AssertionError, msgspec.MsgspecError, ExceptionGroup, NameError, ImportError),
)
"""What nobody raises on purpose: a request that ends so is answered, and its worker lives on."""

TRACE_HEADER = b"x-buttress-trace-id"
"""Names the trace of a call, however it ended."""

CHALLENGES = [
    (b"www-authenticate", b'Bearer realm="buttress"'),
    (b"www-authenticate", b'Basic realm="buttress: the key is the password", charset="UTF-8"'),
]
"""How a key may be sent; browsers ask for one because of the second."""

MAX_TOLD = 200
"""Characters of a path that an error repeats."""

LONGEST_PAUSE_S = 60
"""The longest pause after which a client is to ask again by itself."""

STATUSES = {
    "budget.exhausted": 429,
    "budget.held": 429,
    "budget.ledger_away": 503,
    "budget.price_unknown": 402,
    "access.key_expired": 401,
    "access.key_missing": 401,
    "access.key_unknown": 401,
    "access.no_such_key": 404,
    "access.not_allowed": 403,
    "access.rate_limited": 429,
    "access.terms_invalid": 400,
    "access.idempotency_in_progress": 409,
    "access.idempotency_key_invalid": 400,
    "access.idempotency_lost": 409,
    "access.idempotency_mismatch": 422,
    "access.idempotency_not_kept": 409,
    "gateway.document_ambiguous": 409,
    "gateway.document_unknown": 404,
    "gateway.feature_unknown": 404,
    "gateway.input_invalid": 422,
    "gateway.model_unknown": 404,
    "knowledge.too_much_asked": 413,
    "knowledge.unknown": 404,
    "models.bad_answer": 502,
    "models.bad_request": 400,
    "models.no_rung_left": 503,
    "models.rate_limited": 429,
    "models.refused_key": 502,
    "models.stream_cut": 502,
    "models.timeout": 504,
    "models.window_exceeded": 400,
    "models.request_invalid": 400,
    "models.state_unsupported": 400,
    "models.untranslatable": 400,
    "models.wrong_kind": 400,
    "server.busy": 503,
    "server.body_invalid": 400,
    "server.body_encoded": 415,
    "server.body_timeout": 408,
    "server.field_unsupported": 400,
    "server.system_message": 400,
    "server.body_too_large": 413,
    "server.cross_site": 403,
    "server.document_unknown": 404,
    "server.drills_off": 403,
    "server.head_timeout": 408,
    "server.head_too_large": 431,
    "server.host_refused": 421,
    "server.method_not_allowed": 405,
    "server.model_unknown": 404,
    "server.no_http": 400,
    "server.nothing_to_kill": 409,
    "server.query_invalid": 400,
    "tracing.spending_unclear": 400,
    "server.route_unknown": 404,
    "server.stopping": 503,
    "tracing.unknown": 404,
}


class RouteUnknown(ButtressError):
    """Nothing is served at this path."""

    code = "server.route_unknown"
    hint = "GET /api/openapi.json lists what is served; a feature is asked by POST /v1/features/NAME."

    def __init__(self, path: str) -> None:
        super().__init__(f"nothing is served at {path[:MAX_TOLD]}")


class MethodNotAllowed(ButtressError):
    """The path is served, with another method."""

    code = "server.method_not_allowed"
    hint = "Use the method that the message names."

    def __init__(self, path: str, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{path[:MAX_TOLD]} takes {' or '.join(allowed)}, not {method}")
        self.allowed = tuple(allowed)


class HeadTimeout(ButtressError):
    """The request line and the headers of a request did not arrive in time."""

    code = "server.head_timeout"
    hint = "Send it faster, or raise server.head_timeout_s."
    retryable = True


class BodyTimeout(ButtressError):
    """The body of a request did not arrive in time."""

    code = "server.body_timeout"
    hint = "Send it faster or send less, or raise server.body_timeout_s."
    retryable = True


class BodyInvalid(ButtressError):
    """The body of a request is not the JSON that is expected."""

    code = "server.body_invalid"
    hint = 'Send a JSON object such as {"input": {"question": "..."}, "user": "ada", "stream": true}.'


class BodyEncoded(ButtressError):
    """The body of a request is compressed."""

    code = "server.body_encoded"
    hint = "Send it as it is, without a header `Content-Encoding`."


class FieldUnsupported(ButtressError):
    """A request asks for what is not done here; it is not answered as if it had not."""

    code = "server.field_unsupported"
    hint = "Leave the field out."


class ModelUnknown(ButtressError):
    """No model of that name may be asked here."""

    code = "server.model_unknown"
    hint = "GET /v1/models lists the names."


class SystemMessage(ButtressError):
    """A client sent a system message to a feature that does not take any: its prompt is its own."""

    code = "server.system_message"
    hint = "Leave it out; or let the feature ignore it: `chat: {system: ignore}` in its feature.yaml."


class QueryInvalid(ButtressError):
    """The part of an address behind the question mark is not what is expected."""

    code = "server.query_invalid"
    hint = "See /api/openapi.json for what may stand there; a value with signs in it is to be URL-encoded."


class BodyTooLarge(ButtressError):
    """The body of a request is larger than is accepted."""

    code = "server.body_too_large"
    hint = "Send less, or raise server.max_body_bytes."


class HeadTooLarge(ButtressError):
    """The request line and the headers of a request are larger than is accepted."""

    code = "server.head_too_large"
    hint = "Send fewer or shorter headers; what is long belongs into the body."


class NoHttp(ButtressError):
    """What came in is not HTTP."""

    code = "server.no_http"
    hint = "Speak HTTP/1.1 to this port, without TLS."


class HostRefused(ButtressError):
    """A request asks for a host that this server is not known by: a web page elsewhere may have sent it."""

    code = "server.host_refused"
    hint = "Ask http://127.0.0.1 or http://localhost, or add the name to server.allowed_hosts."


class Failed(ButtressError):
    """A request ended in a way that was not foreseen: a mistake in Buttress, not in the request."""

    code = "server.failed"
    hint = "Please report it with the traceback in the log of the call worker, in .buttress/logs."


class WorkerBusy(ButtressError):
    """The worker has as many requests under way as it may: more would fill its memory."""

    code = "server.busy"
    hint = "Ask again in a moment; or start more workers, or raise server.max_requests."
    retryable = True


class Stopping(ButtressError):
    """The server is stopping, and this answer did not end in time."""

    code = "server.stopping"
    hint = "Ask again; another worker or the next start will answer."
    retryable = True


class PortTaken(ButtressError):
    """Another program listens on the port."""

    code = "server.port_taken"
    hint = "Choose another one: buttress serve --port 8701, or 0 for a free one."


class HostUnknown(ButtressError):
    """The host to listen on is no address of this machine."""

    code = "server.host_unknown"
    hint = "Set server.host to an address of this machine; 127.0.0.1 is always one."


class RemoteWithoutKeys(ButtressError):
    """The server would listen where other machines reach it, and ask nobody for a key."""

    code = "server.remote_without_keys"
    hint = (
        "Leave server.keys at auto, without --no-auth, and make keys: buttress keys create NAME; "
        "or listen on 127.0.0.1, behind a proxy of yours that knows who asks."
    )


def as_error(error: Exception) -> Failed:
    """Return one of `MISTAKES` as an error that may be shown; its traceback goes to the log only."""
    _log.error("request.failed", exc_info=error)
    return Failed(f"the request could not be answered: {type(error).__name__}")


def trace_headers(trace_id: str) -> list[tuple[bytes, bytes]]:
    """Return what names a call's trace: our own header, and those that official clients read."""
    told = trace_id.encode()
    return [(TRACE_HEADER, told), (b"x-request-id", told), (b"request-id", told)]


def headers_of(error: ButtressError) -> list[tuple[bytes, bytes]]:
    """Return the headers that go with `error`: whether and when to ask again, what instead, that we hang up.

    `trace_id` of its data is named, too, and `retry_after_s` told in whole seconds. Who would have to wait
    longer than `LONGEST_PAUSE_S` is told not to: Anthropic's client would sleep it out, many others come back
    at once.
    """
    pause = error.data.get("retry_after_s")
    seconds = math.ceil(pause) if isinstance(pause, float | int) else 0
    is_worth_it = error.retryable and seconds <= LONGEST_PAUSE_S
    headers = [(b"x-should-retry", b"true" if is_worth_it else b"false")]
    if pause is not None:
        headers.append((b"retry-after", b"%d" % seconds))
    if trace_id := error.data.get("trace_id"):
        headers += trace_headers(str(trace_id))
    if isinstance(error, KeyMissing | KeyUnknown | KeyOver):
        headers += CHALLENGES
    if isinstance(error, RateLimited):
        headers += error.headers
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(
        error, BodyEncoded | BodyTimeout | BodyTooLarge | WorkerBusy
    ):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    return headers


def status_of(error: ButtressError) -> int:
    """Return the HTTP status for `error`: from the table, else 503 when it may work later, else 500."""
    return STATUSES.get(error.code, 503 if error.retryable else 500)
