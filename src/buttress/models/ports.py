"""What models need from the world: providers, a ranker of sentences, a local server, a meter, and leave."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import ModelEvent, ModelRequest
from buttress.models.dialects.types import Body, Tally
from buttress.models.order import Order
from buttress.models.types import Bill, Frame, LocalAddress, Scored


class Provider(Protocol):
    """One model, ready to be asked. Every adapter passes `testing.contracts.provider`."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """Ask the model; return its answer piece by piece, `Finished` last and exactly once.

        A `Tally` stands between the pieces where the upstream counts as it goes. No piece of text is empty.
        Nothing is sent before the first event is asked for. Closing the generator, or cancelling whoever
        waits on it, ends the upstream call and frees its connection. Streams of one provider may run side by
        side.

        Raises:
            ButtressError: one of models.errors; what was yielded before is then not the whole answer.
        """
        ...

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """Ask the model in the client's own words; return its answer in the model's own, frame by frame.

        None where the two do not speak the same dialect. The last frame, and no other, says `finished`. All
        that `stream` promises holds, and what it raises.
        """
        ...


class SentenceRanker(Protocol):
    """Says how well sentences answer a question."""

    async def rank(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        """Return a score for each sentence, in their order: 0 (has nothing to do with it) to 1.

        Raises:
            ButtressError: they cannot be ranked now; when it is retryable the caller ranks by words instead.
        """
        ...


class Reranker(Protocol):
    """The project's own model for re-ranking."""

    async def rerank(self, query: str, documents: Sequence[str], max_tokens: int | None) -> Scored:
        """Return a score for each document; of each `max_tokens` count at most, None: what the model takes.

        Raises:
            ModelBusy, ModelTimeout, LocalModelAway: not now, not in time, or nobody is there.
            ButtressError: the model cannot be had.
        """
        ...


class LocalServer(Protocol):
    """Knows the process that runs the local model: one that others look after, or one of our own."""

    def begin(self) -> None:
        """Start one of our own already now, where it will be needed; nobody waits for it."""

    async def address(self) -> LocalAddress:
        """Return where it listens; one of our own is started when it is first asked for, and waited for.

        Raises:
            LocalModelAway: it is not there, or not ready.
            LocalModelMissing: it would have to be started for this, and its file is not there.
            LocalModelBroken: it was started for this, or would have to be, and its file cannot be run.
        """
        ...


class Meter(Protocol):
    """What an attempt may cost, and what it did cost."""

    def attempt(self, model: Model, order: Order) -> AbstractAsyncContextManager[Bill]:
        """Reserve the worst-case cost for the length of the block, then settle, and fill in the cost.

        Settled on every way out: return, error, cancellation (shield it). When `usage` is unknown at the end,
        settle at the best known figure, never at 0.

        Raises:
            ButtressError: the money is not there; the block does not run.
        """
        ...


class Egress(Protocol):
    """Whether a request may leave to a model."""

    async def allow(self, model: Model, order: Order) -> None:
        """Return when `order` may be sent to `model`.

        Raises:
            ButtressError: it may not; the next model of the ladder is asked.
        """
        ...


class Rung(msgspec.Struct, frozen=True):
    """One model of a ladder, and the provider that reaches it."""

    model: Model
    provider: Provider
