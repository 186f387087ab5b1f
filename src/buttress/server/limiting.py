"""Limits on the way of a request: taken by its door, told to its client, settled when it ends.

What a call used stands in its trace, which is recorded in the task that answers the request: so whoever hears
of a trace knows which request it belongs to, and no door needs to tell.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar, Token
from types import TracebackType

import msgspec

from buttress.access.limiter import Limiter, Pass
from buttress.access.limits import Asking
from buttress.gateway.relay import Wanted
from buttress.gateway.types import Asked
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.tokens import CHARACTERS_PER_TOKEN
from buttress.models.bounds import asked_limit
from buttress.models.dialects.types import Body
from buttress.server.bodies import Message
from buttress.server.request import Request
from buttress.tracing.types import Trace

UNSAID_TOKENS = 4_096
"""How long an answer is taken for whose client does not say how long it may be, until it is known."""


class LimitedCall:
    """One request that may be limited, for a `with` block; it yields the request whose answer tells of it."""

    def __init__(self, limiter: Limiter | None, request: Request) -> None:
        self._limiter = limiter if limiter and limiter.limits else None
        self._request = request
        self._pass: Pass | None = None
        self._used = 0
        self._token: Token[LimitedCall | None] | None = None

    def __enter__(self) -> Request:
        """Begin to hear of what the call uses."""
        if self._limiter is None:
            return self._request
        self._token = _CURRENT.set(self)
        return msgspec.structs.replace(self._request, send=self._send)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle it."""
        if self._token is not None:
            _CURRENT.reset(self._token)
        if self._pass is not None:
            self._pass.end(self._used)

    def admit(self, asking: Asking) -> None:
        """Take what a request may need; raises `RateLimited`."""
        if self._limiter is not None:
            self._pass = self._limiter.admit(asking)

    def use(self, tokens: int) -> None:
        """Note what it used."""
        self._used += tokens

    def _send(self, message: Message) -> Awaitable[None]:
        if self._pass is not None and message["type"] == "http.response.start":
            headers = message["headers"]
            assert isinstance(headers, Sequence)  # noqa: S101 - ASGI says so; for the type checker
            message = {**message, "headers": [*headers, *self._pass.headers]}
        return self._request.send(message)


_CURRENT: ContextVar[LimitedCall | None] = ContextVar("limited call", default=None)


def admit(asking: Callable[[], Asking]) -> None:
    """Go on with the request under way where the limits that it touches have room; none asks for nothing.

    Raises:
        RateLimited: one has not.
    """
    if (call := _CURRENT.get()) is not None:
        call.admit(asking())


def asking_of(wanted: Wanted, catalogue: Catalogue, *, is_feature: bool) -> Asking:
    """Return what a request for an answer asks of limits."""
    tokens = reserved_tokens(wanted.body, catalogue)
    return Asking(payer=wanted.payer, is_feature=is_feature, tokens=tokens)


def without_answer(wanted: Wanted) -> Asking:
    """Return what a request asks of limits that no model writes an answer to."""
    return Asking(payer=wanted.payer, is_feature=False, tokens=sent_tokens(wanted.body.size_bytes))


def question_of(asked: Asked) -> Asking:
    """Return what a question to a feature asks of limits."""
    tokens = sent_tokens(len(str(asked.input).encode("utf-8", "replace"))) + UNSAID_TOKENS
    return Asking(payer=asked.payer, is_feature=True, tokens=tokens)


def used(tokens: int) -> None:
    """Note that the request under way used so many tokens without having a trace."""
    if (call := _CURRENT.get()) is not None:
        call.use(tokens)


def hear(trace: Trace) -> None:
    """Note what a call used, where a request under way recorded it."""
    used(trace.usage.total)


def sent_tokens(size_bytes: int) -> int:
    """Return how many tokens a request of that length has at most; of pictures it is far too many."""
    return round(size_bytes / CHARACTERS_PER_TOKEN) + 1


def reserved_tokens(body: Body, catalogue: Catalogue) -> int:
    """Return how many tokens a request may use: what it sends, at most a window; and its longest answer."""
    models = catalogue.rungs(body.model)
    sent, limit = sent_tokens(body.size_bytes), asked_limit(body)
    answer = UNSAID_TOKENS if limit is None else max(0, limit)
    if not models:
        return sent + answer
    window = max(model.window_tokens for model in models)
    longest = max(model.max_output_tokens for model in models)
    return min(sent, window) + min(longest, answer)
