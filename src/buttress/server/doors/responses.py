"""`POST /v1/responses`: models, for clients of OpenAI's newer format. Nothing is kept between calls."""

from buttress.app.buttress import Buttress
from buttress.server.attending import Attention
from buttress.server.bodies import Send
from buttress.server.doors.clients import RESPONSES, read_asked
from buttress.server.doors.models import answer_model


async def answer_responses(body: bytes, buttress: Buttress, send: Send, attention: Attention) -> None:
    """Answer one request for a response, whole or streamed; raises as `answer_model`."""
    await answer_model(read_asked(RESPONSES, body), RESPONSES, buttress, send, attention)
