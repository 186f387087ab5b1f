"""`POST /v1/chat/completions`, `GET /v1/models`: features and models, for clients of OpenAI's formats."""

from contextlib import suppress

from buttress.app.buttress import Buttress
from buttress.kernel.errors import ButtressError
from buttress.server.attending import Attention
from buttress.server.bodies import Send, send_json
from buttress.server.doors.asking import answer_posed
from buttress.server.doors.chat_wire import Writer, error_of, posed_of, read_request
from buttress.server.doors.clients import CHAT, read_asked
from buttress.server.doors.models import answer_model
from buttress.server.errors import headers_of, status_of


async def answer_chat(body: bytes, buttress: Buttress, send: Send, attention: Attention) -> None:
    """Answer one chat completion request, whole or streamed; raises as `answer_posed` and `answer_model`."""
    asked = read_asked(CHAT, body)
    if asked.model not in buttress.releases:
        await answer_model(asked, CHAT, buttress, send, attention)
        return
    request = read_request(body)
    writer = Writer(request, int(buttress.clock.now().timestamp()))
    await answer_posed(posed_of(request), writer, buttress, send, attention)


async def list_models(buttress: Buttress, send: Send) -> None:
    """Send the names that may be asked: features, ladders, models; the embedding model where it is there."""
    created = int(buttress.clock.now().timestamp())
    catalogue = buttress.catalogue
    names = [*sorted(buttress.releases), *sorted(catalogue.ladders), *sorted(catalogue.models)]
    with suppress(ButtressError):
        names.append((await buttress.engine.status()).embedder)
    models = [{"id": name, "object": "model", "created": created, "owned_by": "buttress"} for name in names]
    await send_json(send, {"object": "list", "data": models})


async def send_chat_error(send: Send, error: ButtressError) -> None:
    """Send `error` in the shape that these clients read, with whether to ask again."""
    status = status_of(error)
    await send_json(send, error_of(error, status), status, headers_of(error))
