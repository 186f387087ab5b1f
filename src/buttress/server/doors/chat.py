"""`POST /v1/chat/completions` and `GET /v1/models`: features, for any client of OpenAI's formats."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.gateway.errors import FeatureUnknown
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message
from buttress.releases.chat import Turn, has_system, turn_of
from buttress.releases.types import Release
from buttress.server.attending import attended
from buttress.server.bodies import Receive, Send, send_json
from buttress.server.doors.chat_wire import (
    ChatRequest,
    Writer,
    error_event,
    error_of,
    ignored_fields,
    messages_of,
    read_request,
)
from buttress.server.errors import BodyInvalid, FieldUnsupported, SystemMessage, headers_of, status_of
from buttress.server.streaming import TRACE_HEADER, Wire, stream_answer

IGNORED_HEADER = b"x-buttress-ignored"
"""Names the fields of a request that the feature decides itself."""


async def answer_chat(
    body: bytes, buttress: Buttress, receive: Receive, send: Send, draining: asyncio.Event
) -> None:
    """Answer one chat completion request, whole or streamed.

    Raises:
        ButtressError: it was refused, or failed before it said anything.
        ConnectionResetError: the client went away.
    """
    request = read_request(body)
    turn = _turn(request, messages_of(request), buttress.releases)
    ignored = ", ".join(ignored_fields(body)).encode()
    extra = [(IGNORED_HEADER, ignored)] if ignored else []
    events = buttress.stream(request.model, turn.input, user=request.user or None, history=turn.history)
    writer = Writer(request, int(buttress.clock.now().timestamp()))
    if request.stream:
        await stream_answer(events, Wire(writer.chunks, error_event, extra), receive, send, draining)
        return
    answer = (await attended(collect(events), receive, draining)).answer
    trace = (TRACE_HEADER, answer.trace_id.encode())
    await send_json(send, writer.whole(answer), extra=[*extra, trace])


def _turn(request: ChatRequest, messages: tuple[Message, ...], releases: Mapping[str, Release]) -> Turn:
    release = releases.get(request.model)
    if release is None:
        known = ", ".join(sorted(releases)) or "none"
        hint = f"`model` is the name of a feature; there are: {known}."
        raise FeatureUnknown(
            f"no feature is called {request.model[:200]!r}", hint=hint, data={"param": "model"}
        )
    if release.chat is None:
        hint = "Ask it by POST /v1/features/NAME, or declare `chat: {question: NAME}` in its feature.yaml."
        message = f"the input of {release.feature} is more than a question"
        raise FieldUnsupported(message, hint=hint, data={"param": "messages"})
    if release.chat.system == "refuse" and has_system(messages):
        message = f"the feature {release.feature} takes no system message"
        raise SystemMessage(message, data={"param": "messages"})
    turn = turn_of(messages, release.chat)
    if turn is None:
        hint = "End `messages` with the question: a message of the role `user`."
        raise BodyInvalid("the last message is not the user's", hint=hint, data={"param": "messages"})
    return turn


async def list_models(buttress: Buttress, send: Send) -> None:
    """Send the names that may be asked: features, and the embedding model where the engine is there."""
    created = int(buttress.clock.now().timestamp())
    names = sorted(buttress.releases)
    with suppress(ButtressError):
        names.append((await buttress.engine.status()).embedder)
    models = [{"id": name, "object": "model", "created": created, "owned_by": "buttress"} for name in names]
    await send_json(send, {"object": "list", "data": models})


async def send_chat_error(send: Send, error: ButtressError) -> None:
    """Send `error` in the shape that these clients read, with whether to ask again."""
    retry = (b"x-should-retry", b"true" if error.retryable else b"false")
    status = status_of(error)
    await send_json(send, error_of(error, status), status, [*headers_of(error), retry])
