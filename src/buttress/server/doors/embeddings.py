"""`POST /v1/embeddings`: vectors of texts, by a model asked by its name, or by the project's own."""

from buttress.access.scopes import require_model
from buttress.app.buttress import Buttress
from buttress.gateway.relay import Wanted
from buttress.models.dialects.embeddings import read_body
from buttress.models.errors import RequestInvalid
from buttress.server.attending import attended
from buttress.server.bodies import Send, send_bytes, send_json
from buttress.server.doors.clients import as_invalid
from buttress.server.doors.embeddings_wire import answer_of, read_request, require_dimensions, texts_of
from buttress.server.doors.models import figure_headers
from buttress.server.doors.money import budget_headers
from buttress.server.errors import ModelUnknown, trace_headers
from buttress.server.limiting import admit, used, without_answer
from buttress.server.request import Request


async def answer_embeddings(data: bytes, buttress: Buttress, request: Request) -> None:
    """Answer one request for vectors: a name of models.yaml is asked, else it is the project's own model.

    Raises:
        BodyInvalid: it is no request; names the field.
        ButtressError: no such model, none that embeds, or every model failed; of the project's own: it gives
            vectors of another length, holds too much, or the engine is away.
        ConnectionResetError: the client went away; the work was cancelled.
    """
    try:
        body = read_body(data)
    except RequestInvalid as error:
        raise as_invalid(error) from error
    require_model(request.principal, body.model)
    wanted = Wanted(body=body, principal=request.principal)
    admit(lambda: without_answer(wanted))
    if not buttress.catalogue.ladder(body.model).steps:
        await _answer_own(data, buttress, request.send)
        return
    relay = buttress.relay(wanted)
    answer = await attended(relay.whole(), request.attention)
    told = budget_headers(buttress, request.principal, lambda: wanted.payer)
    extra = [*trace_headers(relay.trace_id), *figure_headers(relay), *told]
    await send_bytes(request.send, answer, extra=extra)


async def _answer_own(data: bytes, buttress: Buttress, send: Send) -> None:
    asked = read_request(data)
    texts = texts_of(asked)
    status = await buttress.engine.status()
    name = status.embedder
    if asked.model != name:
        hint = f"The embedding model of this project is called {name}; models.yaml may name others."
        raise ModelUnknown(
            f"there is no embedding model {asked.model[:200]!r}", hint=hint, data={"param": "model"}
        )
    require_dimensions(asked, status.dimensions)
    embedded = await buttress.engine.embed(texts)
    used(embedded.tokens)
    await send_json(send, answer_of(asked, embedded.vectors, embedded.tokens))
