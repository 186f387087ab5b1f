"""`POST /v1/chat/completions`, `/v1/messages`, `/v1/responses`: a feature or a model asked by its name."""

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.server.attending import attended
from buttress.server.bodies import send_bytes
from buttress.server.doors.clients import Client, read_asked
from buttress.server.doors.models import IGNORED_HEADER, answer_model
from buttress.server.doors.posed import posed_of, turn_for
from buttress.server.doors.speaking import Speaker
from buttress.server.errors import trace_headers
from buttress.server.request import Request
from buttress.server.streaming import Wire, stream_answer


async def answer_request(data: bytes, client: Client, buttress: Buttress, request: Request) -> None:
    """Answer the request whose body is `data` in its client's dialect, whole or streamed.

    Raises:
        ButtressError: it was refused, or failed before it said anything.
        ConnectionResetError: the client went away.
    """
    body = read_asked(client, data, request.headers)
    if (release := buttress.releases.get(body.model)) is None:
        await answer_model(body, client, buttress, request)
        return
    posed = posed_of(client, body)
    turn = turn_for(release, client, posed)
    extra = [(IGNORED_HEADER, ", ".join(posed.ignored).encode())] if posed.ignored else []
    speaker = Speaker(client, posed.body, int(buttress.clock.now().timestamp()))
    who = request.principal
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
    )
    if body.is_stream:
        wire = Wire(speaker.chunks, speaker.broken, extra)
        await stream_answer(events, wire, request.send, request.attention)
        return
    answer = (await attended(collect(events), request.attention)).answer
    told = [*extra, *trace_headers(answer.trace_id)]
    await send_bytes(request.send, speaker.whole(answer), extra=told)
