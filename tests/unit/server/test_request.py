"""What a request says of itself."""

import pytest

from buttress.kernel.principal import ANYBODY
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message
from buttress.server.errors import MAX_TOLD, MethodNotAllowed, headers_of
from buttress.server.request import Request


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(message: Message) -> None:
    del message


def test_it_comes_from_anybody_until_a_key_says_from_whom() -> None:
    scope: Message = {"path": "/v1/models", "headers": [(b"host", b"localhost")]}
    request = Request(scope, nothing, nowhere, Attention(Bell(), Bell()))
    assert (request.path, request.headers) == ("/v1/models", [(b"host", b"localhost")])
    assert request.principal == ANYBODY


def test_a_method_that_is_not_taken_is_refused_with_those_that_are() -> None:
    scope: Message = {"path": "/" + "x" * 5_000, "method": "PUT", "headers": []}
    request = Request(scope, nothing, nowhere, Attention(Bell(), Bell()))
    request.require("GET", "PUT")
    with pytest.raises(MethodNotAllowed, match=r"x takes GET or HEAD, not PUT$") as refused:
        request.require("GET", "HEAD")
    assert (b"allow", b"GET, HEAD") in headers_of(refused.value)
    assert len(refused.value.message) < MAX_TOLD + 50
