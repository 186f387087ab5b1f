"""A request under way: what was asked, how it is answered, and who waits for it."""

from collections.abc import Awaitable, Callable

import msgspec

from buttress.kernel.principal import ANYBODY, Principal
from buttress.server.attending import Attention
from buttress.server.bodies import Message, Receive, Send
from buttress.server.errors import MethodNotAllowed


class Request(msgspec.Struct, frozen=True):
    """One request; `principal` is who it comes from."""

    scope: Message
    receive: Receive
    send: Send
    attention: Attention
    principal: Principal = ANYBODY

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return str(self.scope["path"])

    @property
    def method(self) -> str:
        """What is to be done there: `GET`, `POST`, ..."""
        return str(self.scope["method"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, their names in lower case."""
        headers = self.scope["headers"]
        assert isinstance(headers, list)  # noqa: S101 - ASGI says so; for the type checker
        return headers

    @property
    def query(self) -> bytes:
        """What stands behind the question mark of its address."""
        query = self.scope["query_string"]
        assert isinstance(query, bytes)  # noqa: S101 - ASGI says so; for the type checker
        return query

    def require(self, *methods: str) -> None:
        """Go on where its method is one of `methods`.

        Raises:
            MethodNotAllowed: it is another one.
        """
        if self.method not in methods:
            raise MethodNotAllowed(self.path, self.method, methods)


Handler = Callable[[Request], Awaitable[None]]
"""Answers a request."""
