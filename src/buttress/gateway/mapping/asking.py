"""One request of a `map` stage to the stage's ladder; its answer is kept under all that it depends on."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from buttress.caching.flights import Follower, Leader, letting_go
from buttress.gateway.call import Call
from buttress.gateway.errors import DocumentUnknown
from buttress.gateway.mapping.task import Task
from buttress.gateway.pacing import pace_of
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import hash_of
from buttress.kernel.messages import Message, ModelRequest, TextDelta
from buttress.kernel.tokens import LONGEST_TOKEN
from buttress.models.billing import total_cost, total_usage
from buttress.models.counting import readers_of
from buttress.models.errors import BadAnswer
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Attempt, Pace
from buttress.prompts.reading_types import PieceAnswer
from buttress.releases.types import LatencyBudget

FORM = 1
"""Part of every digest: raise it when the same request would be asked, or its answer read, otherwise."""

Messages = tuple[Message, ...]


class Asker:
    """Asks for one call.

    `away` is the code of why answers could not be looked up or kept, mostly empty; `shared` counts those that
    another call asked for at the same time.
    """

    def __init__(self, task: Task, call: Call) -> None:
        self._task = task
        self._call = call
        self.away = ""
        self.shared = 0

    def digest(self, messages: Messages) -> str:
        """Return the hash of all that the answer to `messages` depends on, but the tenant."""
        stage = self._task.stage
        told = [(one.role, one.content) for one in messages]
        how = (stage.max_tokens, stage.temperature)
        return hash_of((FORM, self._task.release.release_id, self._task.seen_as, how, told))

    async def kept(self, requests: Sequence[Messages]) -> Mapping[str, str]:
        """Return the answers to some of `requests` that are there already, by their digests."""
        library, tenant = self._call.ports.library, self._call.asked.tenant
        if library is None:
            return {}
        try:
            found = await library.kept(tenant, [self.digest(one) for one in requests])
        except ButtressError as error:
            self.away = error.code
            return {}
        return {digest: one.answer for digest, one in found.items()}

    async def ask(self, messages: Messages) -> str:
        """Return the whole answer to `messages`, and keep it; raises as `stream`.

        Where an equal call of this process is being answered just now, its answer is waited for, and
        `shared` counts it; where that comes to nothing, the models are asked.
        """
        seat = self._join(messages)
        while isinstance(seat, Follower):
            async with aclosing(seat.pieces(self._patience_s())) as nothing:
                async for _ in nothing:
                    pass
            if seat.result is not None:
                self.shared += 1
                return seat.result
            seat = self._join(messages) if seat.end == "left" else None
        leader = seat
        with letting_go(lambda: leader):
            text = await self._kept_since(messages) or await self._whole(messages)
        if leader:
            leader.finish(text)
        return text

    async def _kept_since(self, messages: Messages) -> str:
        """Return what another call has kept since this one looked; mostly nothing."""
        found = {} if self.away else await self.kept([messages])
        self.shared += len(found)
        return next(iter(found.values()), "")

    async def _whole(self, messages: Messages) -> str:
        async with aclosing(self.stream(messages)) as pieces:
            return "".join([piece async for piece in pieces])

    def _patience_s(self) -> float:
        """Return how long another call is waited for: as long as its models have, or this call."""
        most, left_ms = self._call.ports.models.total_timeout_s, self._pace(None).total_ms
        return most if left_ms is None else min(most, left_ms / 1000)

    def _pace(self, hedge_after_ms: int | None) -> Pace:
        """Return what the models may take now. Only all of it has a limit: what is read says nothing."""
        latency = self._task.release.latency
        whole = LatencyBudget(total_ms=latency.total_ms) if latency else None
        return pace_of(whole, self._call.recorder.elapsed_ms(), hedge_after_ms)

    def _join(self, messages: Messages) -> Leader[None, str] | Follower[None, str] | None:
        library = self._call.ports.library
        return library.join(self._call.asked.tenant, self.digest(messages)) if library else None

    async def stream(self, messages: Messages) -> AsyncGenerator[str, None]:
        """Give the answer to `messages` as it comes, and keep it when it has ended.

        Raises:
            BadAnswer: the model said nothing.
            DocumentUnknown: the document has gone meanwhile.
            ButtressError: no model answers; as `stream_ladder`.
        """
        said, room = list[str](), self._task.stage.max_tokens * LONGEST_TOKEN
        attempts: list[Attempt] = []
        async with aclosing(self._events(messages, attempts)) as pieces:
            async for piece in pieces:
                said.append(piece[:room])
                room -= len(piece)
                yield said[-1]
                if room <= 0:
                    break
        text = "".join(said)
        if not text.strip():
            raise BadAnswer("the model said nothing")
        await self._keep(messages, text, attempts)

    async def _events(self, messages: Messages, attempts: list[Attempt]) -> AsyncGenerator[str, None]:
        call, release, stage = self._call, self._task.release, self._task.stage

        def record(attempt: Attempt) -> None:
            attempts.append(attempt)
            call.attempts.append(attempt)

        ladder = release.ladders[stage.ladder]
        models = readers_of(call.ports.deployments.in_order(ladder, release.models, call.ports.chance))
        rungs = [Rung(model, call.ports.provider(model)) for model in models]
        request = ModelRequest(messages=messages, max_tokens=stage.max_tokens, temperature=stage.temperature)
        stream = stream_ladder(
            Order(request), rungs, call.ports.of_ladder(call.payer, record), self._pace(ladder.hedge_after_ms)
        )
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    yield event.text

    async def _keep(self, messages: Messages, text: str, attempts: Sequence[Attempt]) -> None:
        library, reading = self._call.ports.library, self._task.reading
        if library is None:
            return
        answer = PieceAnswer(
            tenant=self._call.asked.tenant,
            digest=self.digest(messages),
            feature=self._task.release.feature,
            knowledge=reading.knowledge,
            document_id=reading.document_id,
            answer=text,
            model=attempts[-1].model if attempts else "",
            tokens=total_usage(attempts).total,
            cost_nanodollars=total_cost(attempts),
        )
        try:
            is_there = await library.keep(answer)
        except ButtressError as error:
            self.away = error.code
            return
        if not is_there:
            raise DocumentUnknown(f"{reading.document} has gone while it was read")
