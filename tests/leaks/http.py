"""Requests to the application in this process: no socket, all of the rest."""

import re

import msgspec

from buttress.server.bells import Bell
from buttress.server.bodies import WHOLE, Message
from buttress.server.connections import GONE
from tests.leaks.world import Held, World

_TRACE = re.compile(r"tr_[0-9a-f]{32}")


class Answered(msgspec.Struct, frozen=True):
    """What came back: the body as text, and the headers."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def said(self) -> str:
        """All of it."""
        return f"{self.headers} {self.body}"

    @property
    def trace_id(self) -> str:
        """The call's own trace: in a header, or what the answer, or its first event, begins with."""
        found = _TRACE.search(self.headers.get("x-buttress-trace-id", "") + self.body)
        return found[0] if found else ""


async def request(
    world: World,
    held: Held,
    method: str,
    target: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> Answered:
    """Ask with a key, and return the whole answer; `target` is a path, with its query."""
    path, _, query = target.partition("?")
    sent = b"" if body is None else msgspec.json.encode(body)
    told = {"host": "localhost", "authorization": f"Bearer {held.text}", "content-type": "application/json"}
    told |= {"content-length": str(len(sent)), **(headers or {})}
    scope: Message = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        "server": ("127.0.0.1", 80),
        "state": {GONE: Bell(), WHOLE: True},
    }
    kept = list[Message]()

    async def receive() -> Message:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message: Message) -> None:
        kept.append(message)

    await world.server(scope, receive, send)
    return _answered(kept)


def _answered(messages: list[Message]) -> Answered:
    status, headers, body = 0, dict[str, str](), bytearray()
    for message in messages:
        if message["type"] == "http.response.start":
            status = msgspec.convert(message["status"], int)
            pairs = msgspec.convert(message["headers"], list[tuple[bytes, bytes]], strict=False)
            headers = {name.decode(): value.decode() for name, value in pairs}
        else:
            body += msgspec.convert(message.get("body", b""), bytes)
    return Answered(status, headers, body.decode())
