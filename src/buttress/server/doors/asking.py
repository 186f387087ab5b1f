"""`POST /v1/chat/completions`, `/v1/messages`, `/v1/responses`: a feature or a model asked by its name."""

from functools import partial

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.gateway.relay import Wanted
from buttress.server.attending import attended
from buttress.server.bodies import send_bytes
from buttress.server.caching import cache_headers, caching_of
from buttress.server.doors.clients import Client, read_asked
from buttress.server.doors.models import IGNORED_HEADER, answer_model
from buttress.server.doors.money import budget_headers
from buttress.server.doors.posed import posed_of, turn_for
from buttress.server.doors.speaking import Speaker
from buttress.server.errors import trace_headers
from buttress.server.gate import require_askable
from buttress.server.limiting import admit, asking_of
from buttress.server.request import Request
from buttress.server.streaming import Wire, stream_answer


async def answer_request(data: bytes, client: Client, buttress: Buttress, request: Request) -> None:
    """Answer the request whose body is `data` in its client's dialect, whole or streamed.

    Raises:
        ButtressError: it was refused, or failed before it said anything.
        ConnectionResetError: the client went away.
    """
    body = read_asked(client, data, request.headers)
    require_askable(body.model, buttress, request.principal)
    who, release = request.principal, buttress.releases.get(body.model)
    wanted = Wanted(body=body, principal=who)
    admit(lambda: asking_of(wanted, buttress.catalogue, is_feature=release is not None))
    if release is None:
        await answer_model(wanted, client, buttress, request)
        return
    budget = partial(budget_headers, buttress, who, lambda: wanted.payer)
    posed = posed_of(client, body)
    turn = turn_for(release, client, posed)
    extra = [(IGNORED_HEADER, ", ".join(posed.ignored).encode())] if posed.ignored else []
    speaker = Speaker(client, posed.body, int(buttress.clock.now().timestamp()))
    events = buttress.stream(
        body.model,
        turn.input,
        tenant=who.tenant,
        user=who.user or posed.user,
        groups=who.groups,
        key=who.key,
        tags=who.tags,
        history=turn.history,
        conversation=posed.conversation,
        caching=caching_of(request.headers),
    )
    if body.is_stream:
        wire = Wire(speaker.chunks, speaker.broken, [*extra, *budget()])
        await stream_answer(events, wire, request.send, request.attention)
        return
    answer = (await attended(collect(events), request.attention)).answer
    told = [*extra, *trace_headers(answer.trace_id), *cache_headers(answer.cache), *budget()]
    await send_bytes(request.send, speaker.whole(answer), extra=told)
