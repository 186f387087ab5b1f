"""What the doors of chat formats share: a request that was read is asked, its answer written as they say."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.gateway.errors import FeatureUnknown
from buttress.gateway.types import Answer, Event
from buttress.kernel.errors import ButtressError
from buttress.releases.chat import Turn, has_system, turn_of
from buttress.releases.types import Release
from buttress.server.attending import Attention, attended
from buttress.server.bodies import Send, send_json
from buttress.server.doors.said import Posed, at
from buttress.server.errors import BodyInvalid, FieldUnsupported, SystemMessage
from buttress.server.streaming import TRACE_HEADER, Wire, stream_answer

IGNORED_HEADER = b"x-buttress-ignored"
"""Names the fields of a request that the feature decides itself."""


class Writer(Protocol):
    """Writes one answer in a client's format."""

    def whole(self, answer: Answer) -> dict[str, object]:
        """Return the answer to a request that does not stream."""

    def chunks(self, event: Event) -> Iterator[bytes]:
        """Return what goes out for one event of a stream."""

    def broken(self, error: ButtressError) -> bytes:
        """Return what ends a stream that broke off."""


async def answer_posed(
    posed: Posed, writer: Writer, buttress: Buttress, send: Send, attention: Attention
) -> None:
    """Answer one request of a chat format, whole or streamed.

    Raises:
        ButtressError: it was refused, or failed before it said anything.
        ConnectionResetError: the client went away.
    """
    turn = _turn(posed, buttress.releases)
    ignored = ", ".join(posed.ignored).encode()
    extra = [(IGNORED_HEADER, ignored)] if ignored else []
    events = buttress.stream(
        posed.model, turn.input, user=posed.user, history=turn.history, conversation=posed.conversation
    )
    if posed.is_streamed:
        await stream_answer(events, Wire(writer.chunks, writer.broken, extra), send, attention)
        return
    answer = (await attended(collect(events), attention)).answer
    trace = (TRACE_HEADER, answer.trace_id.encode())
    await send_json(send, writer.whole(answer), extra=[*extra, trace])


def _turn(posed: Posed, releases: Mapping[str, Release]) -> Turn:
    release = releases.get(posed.model)
    if release is None:
        known = ", ".join(sorted(releases)) or "none"
        hint = f"`model` is the name of a feature; there are: {known}."
        raise FeatureUnknown(f"no feature is called {posed.model[:200]!r}", hint=hint, data=at("model"))
    if release.chat is None:
        hint = "Ask it by POST /v1/features/NAME, or declare `chat: {question: NAME}` in its feature.yaml."
        message = f"the input of {release.feature} is more than a question"
        raise FieldUnsupported(message, hint=hint, data=at("messages"))
    if release.chat.system == "refuse" and has_system(posed.messages):
        message = f"the feature {release.feature} takes no system message"
        raise SystemMessage(message, data=at("messages"))
    turn = turn_of(posed.messages, release.chat)
    if turn is None:
        hint = "End `messages` with the question: a message of the role `user`."
        raise BodyInvalid("the last message is not the user's", hint=hint, data=at("messages"))
    return turn
