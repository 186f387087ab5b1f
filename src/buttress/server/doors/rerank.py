"""`POST /v1/rerank`: documents by how well they answer a question, scored by a model asked by its name."""

import msgspec

from buttress.app.buttress import Buttress
from buttress.gateway.relay import Relay, Wanted
from buttress.models.dialects.rerank import Ranked, read_asked, read_body
from buttress.models.errors import RequestInvalid
from buttress.server.attending import attended
from buttress.server.bodies import send_json
from buttress.server.doors.clients import as_invalid
from buttress.server.doors.models import IGNORED_HEADER, figure_headers
from buttress.server.doors.money import budget_headers
from buttress.server.doors.rerank_wire import answer_of
from buttress.server.errors import trace_headers
from buttress.server.gate import require_ranker
from buttress.server.limiting import admit, without_answer
from buttress.server.request import Request

RERANK_PATHS = ("/v1/rerank", "/v2/rerank", "/rerank")
"""Where clients ask: Jina's and Cohere's older one, Cohere's, and those that leave the version out."""

_RANKED = msgspec.json.Decoder(Ranked)


async def answer_rerank(data: bytes, buttress: Buttress, request: Request) -> None:
    """Answer one request to re-rank documents.

    Raises:
        BodyInvalid: it is none; names the field.
        ButtressError: no such model, none that re-ranks, or every model failed.
        ConnectionResetError: the client went away; the work was cancelled.
    """
    try:
        body = read_body(data)
        asked = read_asked(body)
    except RequestInvalid as error:
        raise as_invalid(error) from error
    require_ranker(body.model, buttress, request.principal)
    wanted = Wanted(body=body, principal=request.principal)
    admit(lambda: without_answer(wanted))
    relay = buttress.relay(wanted)
    ranked = _RANKED.decode(await attended(relay.whole(), request.attention))
    answer = answer_of(f"rerank-{relay.trace_id}", body.model, asked, ranked)
    budget = budget_headers(buttress, request.principal, lambda: wanted.payer)
    await send_json(request.send, answer, extra=[*_headers(relay, ranked), *budget])


def _headers(relay: Relay, ranked: Ranked) -> list[tuple[bytes, bytes]]:
    told = trace_headers(relay.trace_id)
    if ranked.ignored:
        told.append((IGNORED_HEADER, ", ".join(ranked.ignored).encode()))
    return [*told, *figure_headers(relay)]
