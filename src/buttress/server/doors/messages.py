"""`POST /v1/messages`: features, for any client of Anthropic's format."""

import asyncio

from buttress.app.buttress import Buttress
from buttress.kernel.errors import ButtressError
from buttress.server.bodies import Receive, Send, send_json
from buttress.server.doors.asking import answer_posed
from buttress.server.doors.messages_wire import Writer, error_of, posed_of, read_request
from buttress.server.errors import headers_of, status_of


async def answer_messages(
    body: bytes, buttress: Buttress, receive: Receive, send: Send, draining: asyncio.Event
) -> None:
    """Answer one request for a message, whole or streamed; raises as `answer_posed`."""
    request = read_request(body)
    await answer_posed(posed_of(request), Writer(request), buttress, receive, send, draining)


async def send_messages_error(send: Send, error: ButtressError) -> None:
    """Send `error` in the shape that these clients read, with whether to ask again."""
    status = status_of(error)
    await send_json(send, error_of(error, status), status, headers_of(error))
