"""A request with an `Idempotency-Key`, answered once: whoever sends it again gets the same bytes.

What a door sends is kept as it goes out, so that this holds for each door and dialect, whole or streamed.
"""

import msgspec

from buttress.access.idempotency import Kept, Sent, is_kept, lasting, named
from buttress.access.idempotency_claims import Claims
from buttress.access.idempotency_store import Ending
from buttress.server.attending import Attention, attended
from buttress.server.bells import Bell
from buttress.server.bodies import BROKEN, Message, Receive, Send
from buttress.server.request import Handler, Request

REPLAYED = (b"idempotent-replayed", b"true")
"""With an answer that was given before."""

NOT_KEPT = (b"x-buttress-idempotency", b"not-kept")
"""With an answer that is known to be too long to be kept when it begins."""


class Once(msgspec.Struct, frozen=True):
    """A request to be answered once for its `key`; its body was read."""

    request: Request
    key: str
    body: bytes

    @property
    def sent(self) -> Sent:
        """What was sent."""
        request = self.request
        return Sent(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=self.body,
        )

    def heard_by(self, send: Send) -> Request:
        """Return the request, answered by `send`; its client's going away ends nothing."""
        unheard = Attention(Bell(), self.request.attention.draining)
        return msgspec.structs.replace(self.request, receive=_again(self.body), send=send, attention=unheard)


async def answer_once(once: Once, answer: Handler, claims: Claims) -> None:
    """Have `answer` answer a request, errors included; or send what was answered to its key before.

    The work goes on to its end when the client hangs up: who asks again finds a whole answer. What is to be
    kept is stored before the last of it goes out.

    Raises:
        ButtressError: see `Claims.begin`; nothing was sent.
        ConnectionResetError: the client went away while it waited for another one's answer.
    """
    request = once.request
    asked = named(once.key, once.sent, request.principal)
    found = await attended(claims.begin(asked), request.attention)
    if isinstance(found, Kept):
        await _replay(found, request.send)
        return
    copy = Copy(request.send, claims.max_answer_bytes)
    ending = Ending(claim=found.claim, is_free=True)
    try:
        await answer(once.heard_by(copy.send))
        ending = copy.ending(found.claim)
    finally:
        await claims.end(ending)
    await copy.send_last()


def _again(body: bytes) -> Receive:
    """Return what gives a body that was read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _replay(kept: Kept, send: Send) -> None:
    headers = [*kept.headers, REPLAYED]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})


class Copy:
    """Passes an answer on as it comes, but for its last message, and keeps a copy of up to `max_bytes`."""

    def __init__(self, send: Send, max_bytes: int) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._is_too_long = False
        self._last: Message | None = None

    async def send(self, message: Message) -> None:
        """Take one message of the answer."""
        if message["type"] == "http.response.start":
            await self._send(self._begin(message))
            return
        self._add(message.get("body", b""))
        if message.get("more_body"):
            await self._send(message)
        else:
            self._last = message

    async def send_last(self) -> None:
        """Send what was held back, if there is anything."""
        if self._last is not None:
            await self._send(self._last)

    def ending(self, claim: str) -> Ending:
        """Return what became of `claim`: an error that may pass, or an answer that broke off, frees it."""
        is_whole = self._last is not None and not self._last.get(BROKEN)
        if not is_whole or not is_kept(self._status):
            return Ending(claim=claim, is_free=True)
        if self._is_too_long:
            return Ending(claim=claim)
        return Ending(claim=claim, kept=Kept(self._status, lasting(self._headers), bytes(self._body)))

    def _begin(self, message: Message) -> Message:
        status, headers = message["status"], message["headers"]
        assert isinstance(status, int)  # noqa: S101 - ASGI says so; for the type checker
        assert isinstance(headers, list)  # noqa: S101 - the same
        self._status, self._headers = status, headers
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        if not is_kept(status) or int(length) <= self._max_bytes:
            return message
        return {**message, "headers": [*headers, NOT_KEPT]}

    def _add(self, body: object) -> None:
        assert isinstance(body, bytes)  # noqa: S101 - ASGI says so; for the type checker
        if self._is_too_long or len(self._body) + len(body) > self._max_bytes:
            self._is_too_long = True
            self._body.clear()
        else:
            self._body += body
