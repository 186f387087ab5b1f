"""`POST /v1/features/NAME`: a feature asked in its own terms, for an answer whole or in events."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.gateway.types import Asked
from buttress.kernel.messages import Message
from buttress.kernel.principal import Principal
from buttress.models.providers.scripted import Drill
from buttress.server.attending import attended
from buttress.server.bodies import send_json
from buttress.server.decoding import parsed
from buttress.server.doors.posed import Name
from buttress.server.page.door import require_drills
from buttress.server.request import Request
from buttress.server.streaming import stream_events

FEATURES = "/v1/features/"

Groups = Annotated[tuple[Name, ...], Meta(max_length=1_000)]


class Turn(msgspec.Struct, frozen=True):
    """One turn of a conversation, as text."""

    role: Literal["system", "user", "assistant"]
    content: str


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/features/NAME.

    `user`, `tenant` and `groups` are believed: they decide which documents are seen, and until there are keys
    nobody but the caller says who asks. The caller must be a program that knows. Who wants to `watch` gets an
    event for each step and each withheld sentence; a `drill` breaks the models of this call, where allowed.
    """

    input: dict[str, object]
    user: Name | None = None
    tenant: Name | None = None
    groups: Groups = ()
    history: tuple[Turn, ...] = ()
    conversation: Name | None = None
    stream: bool = False
    watch: bool = False
    drill: Drill | None = None

    def asked(self, feature: str, who: Principal) -> Asked:
        """Return the question as `who` puts it to `feature`."""
        return Asked(
            feature=feature,
            input=self.input,
            tenant=self.tenant or who.tenant,
            user=who.user or self.user,
            groups=self.groups or who.groups,
            key=who.key,
            tags=who.tags,
            history=tuple(Message(turn.role, turn.content) for turn in self.history),
            conversation=self.conversation,
            watched=self.watch,
        )


async def answer_feature(feature: str, question: Question, buttress: Buttress, request: Request) -> None:
    """Answer one question, whole or streamed.

    Raises:
        ButtressError: it was refused, or failed before it said anything.
        ConnectionResetError: the client went away.
    """
    if question.drill:
        require_drills(buttress)
    events = buttress.watch(question.asked(feature, request.principal), drill=question.drill)
    if question.stream:
        await stream_events(events, request.send, request.attention)
    else:
        ended = await attended(collect(events), request.attention)
        await send_json(request.send, ended.answer)


def read_question(body: bytes) -> Question:
    """Return the question in `body`.

    Raises:
        BodyInvalid: it is none; names the field.
    """
    return parsed(body, Question)
