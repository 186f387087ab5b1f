"""`POST /v1/features/NAME`: a feature asked in its own terms, for an answer whole or in events."""

from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.access.scopes import groups_of, tenant_of
from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.gateway.types import Asked
from buttress.kernel.messages import Message
from buttress.kernel.principal import Principal
from buttress.models.providers.scripted import TAG, Drill
from buttress.server.attending import attended
from buttress.server.bodies import send_json
from buttress.server.caching import cache_headers, caching_of
from buttress.server.decoding import parsed
from buttress.server.doors.money import budget_headers
from buttress.server.doors.posed import Name
from buttress.server.gate import require_feature
from buttress.server.limiting import admit, question_of
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

    `user`, `tenant` and `groups` decide which documents are seen. They are believed as far as the key of the
    request lets them: one of a user is that user's, whoever is named; one of tenants or groups is for those.
    Who wants to `watch` gets an event for each step and each withheld sentence; a `drill` breaks the models
    of this call, or makes free ones cost money, where allowed: it is tagged `drill` then.
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
        """Return the question as `who` puts it to `feature`.

        Raises:
            NotAllowed: in the name of a tenant or a group that `who` may not ask for.
        """
        return Asked(
            feature=feature,
            input=self.input,
            tenant=tenant_of(who, self.tenant),
            user=who.user or self.user,
            groups=groups_of(who, self.groups),
            key=who.key,
            tags={**who.tags, TAG: self.drill} if self.drill else who.tags,
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
    require_feature(feature, buttress, request.principal)
    if question.drill:
        require_drills(buttress, request.principal)
    asked = msgspec.structs.replace(
        question.asked(feature, request.principal), caching=caching_of(request.headers)
    )
    admit(lambda: question_of(asked))
    events = buttress.watch(asked, drill=question.drill)
    budget = partial(budget_headers, buttress, request.principal, lambda: asked.payer)
    if question.stream:
        await stream_events(events, request.send, request.attention, budget())
    else:
        ended = await attended(collect(events), request.attention)
        await send_json(request.send, ended.answer, extra=[*cache_headers(ended.answer.cache), *budget()])


def read_question(body: bytes) -> Question:
    """Return the question in `body`.

    Raises:
        BodyInvalid: it is none; names the field.
    """
    return parsed(body, Question)
