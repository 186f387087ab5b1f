"""What each step hands to the next, and the events an answer is made of.

The chain of types is the order of the steps: each holds the one before, so a step left out does not
type-check.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Generic, Literal, TypedDict, TypeVar

import msgspec

from buttress.caching.flights import Follower
from buttress.guardrails.support import Standing, Support
from buttress.guardrails.withholding import Withheld
from buttress.kernel.cached import Caching
from buttress.kernel.ids import ReleaseId, TraceId
from buttress.kernel.messages import Message, ModelRequest
from buttress.kernel.passages import Citation, Passage
from buttress.kernel.principal import DEFAULT_TENANT, Payer
from buttress.kernel.scope import Scope
from buttress.kernel.spans import Span
from buttress.kernel.usage import NanoDollars, Usage
from buttress.kernel.words import AskedWord
from buttress.releases.types import GenerateStage, Release

Outcome = Literal["answered", "fallback"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it came in. `input` is what the feature's input schema describes.

    `history` are the turns before it, oldest first, as the client has them. `conversation` is an id of the
    client's choice, 1 to 200 characters: the turns of this user under that id are kept, and taken where the
    client sends none. `key` is the id of the key it came by; `tags` are for budgets. Who has it `watched`
    gets an event for each step as it ends and for each sentence that is withheld. `caching` says whether
    an earlier answer will do, of a feature that keeps any.
    """

    feature: str
    input: dict[str, object]
    history: tuple[Message, ...] = ()
    conversation: str | None = None
    tenant: str = DEFAULT_TENANT
    user: str | None = None
    groups: tuple[str, ...] = ()
    key: str | None = None
    tags: Mapping[str, str] = {}
    caching: Caching = "use"
    watched: bool = False

    @property
    def payer(self) -> Payer:
        """Who pays for what is asked of models."""
        return Payer(tenant=self.tenant, feature=self.feature, user=self.user, key=self.key, tags=self.tags)


class Particulars(TypedDict, total=False):
    """What may be told beside the question, each as `Asked` has it."""

    user: str | None
    tenant: str
    groups: Sequence[str]
    history: Sequence[Message]
    conversation: str | None
    key: str | None
    tags: Mapping[str, str]
    caching: Caching


def asked_with(feature: str, given: dict[str, object], particulars: Particulars) -> Asked:
    """Return the question to `feature` whose input is `given`."""
    return Asked(
        feature=feature,
        input=given,
        user=particulars.get("user"),
        tenant=particulars.get("tenant", DEFAULT_TENANT),
        groups=tuple(particulars.get("groups", ())),
        history=tuple(particulars.get("history", ())),
        conversation=particulars.get("conversation"),
        key=particulars.get("key"),
        tags=particulars.get("tags", {}),
        caching=particulars.get("caching", "use"),
    )


class Admitted(msgspec.Struct, frozen=True):
    """The question of somebody who may ask, with the scope they see."""

    asked: Asked
    scope: Scope


class Chosen(msgspec.Struct, frozen=True):
    """An admitted question, and the release that is to answer it."""

    admitted: Admitted
    release: Release


class Inspected(msgspec.Struct, frozen=True):
    """A question whose input fits the release's schema and may go on."""

    chosen: Chosen
    input: dict[str, object]


class Ruled(msgspec.Struct, frozen=True):
    """A question that no rule answered."""

    inspected: Inspected


class Recalled(msgspec.Struct, frozen=True):
    """A question that no earlier answer answers."""

    ruled: Ruled


R = TypeVar("R")


class Shared(msgspec.Struct, Generic[R], frozen=True):
    """A question that an equal call is being answered just now; `seat` is the place among who listens."""

    ruled: Ruled
    seat: "Follower[Sentence, R]"


class Retrieved(msgspec.Struct, frozen=True):
    """A question with the passages found for it, best first; relevant ones, where it retrieves at all.

    `asked` is what the search learned of the question's words.
    """

    recalled: Recalled
    passages: tuple[Passage, ...]
    asked: tuple[AskedWord, ...] = ()

    @property
    def release(self) -> Release:
        """The release that answers."""
        return self.recalled.ruled.inspected.chosen.release

    @property
    def input(self) -> dict[str, object]:
        """The input that passed inspection."""
        return self.recalled.ruled.inspected.input


class Composed(msgspec.Struct, frozen=True):
    """What is to be sent, and the passages in the order their numbers refer to, also those not in it."""

    retrieved: Retrieved
    stage: GenerateStage
    request: ModelRequest
    passages: tuple[Passage, ...]


class Sent(msgspec.Struct, frozen=True):
    """A request under way: the text that comes back, piece by piece."""

    composed: Composed
    text: AsyncGenerator[str, None]


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of an answer with the white space around it, and what it cites.

    `standing` is what it stands on; None for words that nobody claims to have found (a fallback's text).
    """

    text: str
    citations: tuple[Citation, ...]
    standing: Standing | None = None


class Checked(msgspec.Struct, frozen=True):
    """An answer under way, judged sentence by sentence: what may go out, and what must not."""

    sent: Sent
    sentences: AsyncGenerator[Sentence | Withheld, None]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer known as a whole: of a rule, or the fallback. `reason` says why it is not a model's."""

    sentences: tuple[Sentence, ...]
    outcome: Outcome
    reason: str
    passages: tuple[Passage, ...] = ()


class Progressed(msgspec.Struct, frozen=True, tag="progressed"):
    """How far the reading of a long text is: `done` of `total` pieces, or of the merges of one level."""

    step: Literal["pieces", "merges"]
    done: int
    total: int


class Decided(msgspec.Struct, frozen=True):
    """What is released to the asker: sentences as they come, from a model, a rule or the fallback.

    How far it is may be told between them. `is_followed`: they are those of an equal call under way, as long
    as that goes well.
    """

    sentences: AsyncGenerator[Sentence | Progressed, None]
    is_followed: bool = False


class FailedModel(msgspec.Struct, frozen=True):
    """A model that was tried for an answer and failed, and the code of why."""

    model: str
    code: str


class History(msgspec.Struct, frozen=True):
    """What became of the turns before the question.

    `sent` of them were in the prompt as they are, the newest; `summarised` older ones as a summary, and
    `recollected` ones since they have to do with the question. Of `left_out` ones nothing was in it. `reason`
    is the code of why turns that are kept here could not be read; mostly empty.
    """

    sent: int = 0
    summarised: int = 0
    recollected: int = 0
    left_out: int = 0
    reason: str = ""


class LeftOut(msgspec.Struct, frozen=True):
    """A piece of a long text that the answer knows nothing of, and the code of why."""

    place: str
    reason: str


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """How a long text was read: in how many `pieces`, and what became of them.

    `kept` of the answers to them, and of the merges, were there from another call, and cost nothing.
    `empty` pieces held nothing for the request; `left_out` are those whose models failed. `shortened` answers
    were cut, so that two of them could be merged.
    """

    pieces: int
    kept: int = 0
    empty: int = 0
    merges: int = 0
    shortened: int = 0
    left_out: tuple[LeftOut, ...] = ()


How = Literal["exact", "semantic", "shared"]
"""How an answer came about that was not made for it: an earlier one to the same, or to a question of the same
meaning; or that of an equal call under way at the same time."""


class Recollected(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer comes from that this call did not pay for.

    `trace_id` is the call that paid, `model` who wrote it, `made_at` when. `tokens` and `cost_nanodollars`
    are saved; a cost of None is unknown.
    """

    how: How
    trace_id: TraceId
    made_at: datetime
    model: str | None
    tokens: int
    cost_nanodollars: NanoDollars | None


CacheState = Literal["hit", "miss", "skip"]
"""Whether a call had its answer from the cache, could have, or could not."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer.

    `outcome` is `answered`, or `fallback` with the `reason` for it. `model` is the one whose text was
    released last, None for a rule or a fallback. `support` counts what the model's sentences stand on, and
    those that were withheld. `cost_nanodollars` None means unknown. `failed` names the models that were tried
    in vain. `recalled` tells of an answer that was not made for this call, `cache` whether it could be one.
    `mapped` tells how a long text was read for it.
    """

    trace_id: TraceId
    feature: str
    release_id: ReleaseId
    text: str
    outcome: Outcome
    reason: str
    citations: tuple[Citation, ...]
    support: Support = Support()
    passages: tuple[Passage, ...]
    model: str | None
    usage: Usage
    cost_nanodollars: NanoDollars | None
    duration_ms: float
    failed: tuple[FailedModel, ...] = ()
    history: History = History()
    cache: CacheState = "skip"
    recalled: Recollected | None = None
    mapped: Mapped | None = None


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The first event: the call was let in, and has its trace.

    `cache` says whether the answer comes from the cache; None where that is not known before it ends: an
    equal call under way is followed.
    """

    trace_id: TraceId
    cache: CacheState | None = None


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A piece of the answer's text. All pieces joined are the answer's text."""

    text: str


class Cited(msgspec.Struct, frozen=True, tag="cited"):
    """A citation of the text released so far."""

    citation: Citation


class Stepped(msgspec.Struct, frozen=True, tag="stepped"):
    """A step of a watched call has ended."""

    span: Span


class Held(msgspec.Struct, frozen=True, tag="held"):
    """A sentence of a watched call was not released."""

    withheld: Withheld


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The last event: the whole answer."""

    answer: Answer


Event = Began | Progressed | Text | Cited | Stepped | Held | Ended
