"""`POST /v1/embeddings`: the project's own embedding model, for clients of OpenAI's format."""

from buttress.app.buttress import Buttress
from buttress.server.bodies import Send, send_json
from buttress.server.doors.embeddings_wire import answer_of, read_request, require_dimensions, texts_of
from buttress.server.errors import ModelUnknown


async def answer_embeddings(body: bytes, buttress: Buttress, send: Send) -> None:
    """Send the vectors of the texts in `body`.

    Raises:
        ButtressError: it is no request, names another model, asks for vectors of another length, holds too
            much, or the engine is away.
    """
    request = read_request(body)
    texts = texts_of(request)
    status = await buttress.engine.status()
    name = status.embedder
    if request.model != name:
        hint = f"The embedding model of this project is called {name}."
        raise ModelUnknown(
            f"there is no embedding model {request.model[:200]!r}", hint=hint, data={"param": "model"}
        )
    require_dimensions(request, status.dimensions)
    embedded = await buttress.engine.embed(texts)
    await send_json(send, answer_of(request, embedded.vectors, embedded.tokens))
