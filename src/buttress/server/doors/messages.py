"""`POST /v1/messages`: features and models, for any client of Anthropic's format."""

from buttress.app.buttress import Buttress
from buttress.kernel.errors import ButtressError
from buttress.server.attending import Attention
from buttress.server.bodies import Send, send_json
from buttress.server.doors.asking import answer_posed
from buttress.server.doors.clients import MESSAGES, read_asked
from buttress.server.doors.messages_wire import Writer, error_of, posed_of, read_request
from buttress.server.doors.models import answer_model
from buttress.server.errors import headers_of, status_of


async def answer_messages(body: bytes, buttress: Buttress, send: Send, attention: Attention) -> None:
    """Answer one request for a message, whole or streamed; raises as `answer_posed` and `answer_model`."""
    asked = read_asked(MESSAGES, body)
    if asked.model not in buttress.releases:
        await answer_model(asked, MESSAGES, buttress, send, attention)
        return
    request = read_request(body)
    await answer_posed(posed_of(request), Writer(request), buttress, send, attention)


async def send_messages_error(send: Send, error: ButtressError) -> None:
    """Send `error` in the shape that these clients read, with whether to ask again."""
    status = status_of(error)
    await send_json(send, error_of(error, status), status, headers_of(error))
