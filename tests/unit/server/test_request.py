"""What a request says of itself."""

from buttress.kernel.principal import ANYBODY
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message
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
