"""What a call needs from the world, handed in by the composition root."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from buttress.caching.flights import Follower, Leader
from buttress.caching.keys import Knowledge
from buttress.caching.types import Entry, Key, Meaning, Similar
from buttress.gateway.kept import KeptAnswer, KeptPiece, KeptRelay
from buttress.gateway.types import Sentence
from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.cached import KeepPolicy
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.principal import Payer
from buttress.kernel.scope import Scope
from buttress.kernel.tokens import TokenCounter
from buttress.knowledge.ports import Engine
from buttress.models.attempts import LadderPorts, estimated
from buttress.models.deployments import Deployments
from buttress.models.ports import Egress, Meter, Provider
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt
from buttress.prompts.reading_types import PieceAnswer, Reading
from buttress.prompts.types import Exchange, Summarise, Turns, Whose
from buttress.releases.rulebook import Rulebook
from buttress.releases.types import Release
from buttress.tracing.types import Trace


class Memory(Protocol):
    """What was said in conversations before."""

    async def turns(self, whose: Whose, question: str = "") -> Turns:
        """Return the newest turns of a conversation, and what is known of older ones, within a bounded time.

        Of the older ones there is a summary, and those that have to do with `question`.

        Raises:
            ButtressError: they are not to be had now; the call goes on without.
        """
        ...

    def append(self, whose: Whose, exchange: Exchange, summarise: Summarise | None = None) -> None:
        """Have `exchange` kept for the conversation's next call. Never waits, never fails.

        With `summarise` older turns are summarised, where it is time for that.
        """
        ...


class Library(Protocol):
    """Long texts, and what was said of their pieces."""

    async def reading(self, knowledge: str, named: str, scope: Scope) -> Reading:
        """Return the document of `knowledge` whose path or id is `named`, of those that `scope` may see.

        Raises:
            DocumentUnknown, DocumentAmbiguous: there is none, or several.
            ButtressError: the database is away.
        """
        ...

    async def kept(self, tenant: str, digests: Sequence[str]) -> Mapping[str, PieceAnswer]:
        """Return the answers that are kept under `digests`, by these, within a bounded time.

        Raises:
            ButtressError: they could not be looked up.
        """
        ...

    def join(self, tenant: str, digest: str) -> Leader[None, str] | Follower[None, str] | None:
        """Follow who asks for the answer under `digest` in this process already; else lead.

        None: too many are under way, ask by yourself.
        """
        ...

    async def keep(self, answer: PieceAnswer) -> bool:
        """Keep `answer`, within a bounded time; False when its document has gone.

        Raises:
            ButtressError: it could not be kept.
        """
        ...


class AnswerCache(Protocol):
    """Answers that were given before, or are being given just now.

    None of it may fail a call. Bodies of entries are the caller's own: an answer of a feature here, the
    pieces of a model's answer just as well.
    """

    surroundings: str
    """Settings and code that answers depend on and no release holds, as a hash."""

    @property
    def semantic_timeout_s(self) -> float:
        """How long a call looks for the answer to a question that means the same."""
        ...

    @property
    def follow_timeout_s(self) -> float:
        """How long who follows another call waits for its next word."""
        ...

    def knowledge(self, name: str) -> Knowledge | None:
        """Return what a knowledge base holds now; None while that is not known here."""
        ...

    async def get(self, key: Key, policy: KeepPolicy) -> Entry | None:
        """Return what is kept under `key`, within a bounded time.

        Raises:
            ButtressError: it could not be looked up.
        """
        ...

    async def similar(self, key: Key, meaning: Meaning, threshold: float) -> Sequence[Similar]:
        """Return what is kept for questions of nearly the same meaning, best first, within a bounded time.

        Raises:
            ButtressError: it could not be looked up.
        """
        ...

    def put(self, key: Key, entry: Entry, policy: KeepPolicy, meaning: Meaning | None = None) -> None:
        """Keep `entry`. Never waits, never fails."""
        ...

    def join(self, key: Key) -> Leader[Sentence, KeptAnswer] | Follower[Sentence, KeptAnswer] | None:
        """Follow who asks for `key` already; else lead. None: ask by yourself."""
        ...

    def join_relay(self, key: Key) -> Leader[KeptPiece, KeptRelay] | Follower[KeptPiece, KeptRelay] | None:
        """Do the same for a model that is asked by its name."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside a call that it may touch.

    `catalogue` has the models that may be asked by their names, `rulebook` a release's rules. `counter`
    counts as the model that finds the most tokens; `counter_at_hand` gives one without waiting. `begin` takes
    the trace that a call is to have if its process dies, before any work; `record` the one of its end.
    `meter` gives the one by which somebody pays. `summary_model` writes the summaries of conversations;
    empty: the ladder of their feature. Without `answers` each call is answered anew; without a
    `library` there is no document to read, and no piece of one is kept.
    """

    releases: Mapping[str, Release]
    catalogue: Catalogue
    rulebook: Callable[[Release], Rulebook]
    engine: Engine
    provider: Callable[[Model], Provider]
    counter: Callable[[Sequence[Model]], Awaitable[TokenCounter]]
    egress: Egress
    meter: Callable[[Payer], Meter]
    deployments: Deployments
    memory: Memory
    answers: AnswerCache | None = None
    library: Library | None = None
    begin: Callable[[Trace], None]
    record: Callable[[Trace], None]
    clock: Clock
    chance: Chance
    counter_at_hand: Callable[[Model], TokenCounter] = estimated
    summary_tokens: int = 400
    summary_model: str = ""
    models: ModelSettings
    guardrails: GuardrailSettings

    def of_ladder(self, payer: Payer, record: Callable[[Attempt], None]) -> LadderPorts:
        """Return what a ladder of models needs of these: `payer` pays, `record` takes each attempt."""
        return LadderPorts(
            egress=self.egress,
            meter=self.meter(payer),
            clock=self.clock,
            chance=self.chance,
            deployments=self.deployments,
            record=record,
            settings=self.models,
            counter=self.counter_at_hand,
        )
