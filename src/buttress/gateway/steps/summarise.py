"""The summary of a conversation's older turns, behind a call, in its own trace.

The ladder of its feature writes it, or the model that the settings name for it.

It is asked as anything else is: it costs money of the same payer, and keeps to the same budgets.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import ModelUnknown
from buttress.gateway.ports import Ports
from buttress.gateway.prompting import window_of
from buttress.gateway.steps.record import ending
from buttress.gateway.types import Asked
from buttress.guardrails.plain import visible
from buttress.kernel.catalogue import Ladder, Model
from buttress.kernel.ids import TraceId, new_id
from buttress.kernel.messages import Message, ModelRequest, TextDelta
from buttress.kernel.tokens import LONGEST_TOKEN, EstimatedTokens
from buttress.models.billing import sums_of
from buttress.models.counting import readers_of
from buttress.models.errors import BadAnswer
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Attempt
from buttress.prompts.composing import room_for_summary
from buttress.prompts.packing import fitting
from buttress.prompts.summarising import asking_for_summary
from buttress.prompts.types import Summarise
from buttress.releases.types import GenerateStage, Release
from buttress.tracing.types import PROCESS_DIED, Outcome, Trace

LEAST_TOKENS = 40
"""Of a shorter summary nothing would be left to tell: where windows are so small there is none."""


def summariser(call: Call) -> Summarise | None:
    """Return what summarises the conversation of `call`; None where its feature has no model that writes.

    Nor is there one for a window that no summary fits into.
    """
    release = call.ports.releases[call.asked.feature]
    stage = next((one for one in release.stages if isinstance(one, GenerateStage)), None)
    models = readers_of(release.models_of(stage)) if stage else ()
    if stage is None or all(model.provider == "extractive" for model in models):
        return None
    if room_for_summary(window_of(models, stage.max_tokens), EstimatedTokens()) < LEAST_TOKENS:
        return None
    asked, ports = call.asked, call.ports

    async def summarise(before: str, turns: Sequence[Message]) -> str:
        return await _Summary(asked, ports, release, stage).written(before, turns)

    return summarise


class _Summary:
    """One summary that is asked for."""

    def __init__(self, asked: Asked, ports: Ports, release: Release, stage: GenerateStage) -> None:
        self._asked = asked
        self._ports = ports
        self._release = release
        self._stage = stage
        self._attempts: list[Attempt] = []
        self._text = ""

    async def written(self, before: str, turns: Sequence[Message]) -> str:
        """Return the summary of `before` and `turns`.

        Raises:
            BadAnswer: the model wrote nothing.
            ModelUnknown: the settings name one that is not there.
            ButtressError: no model answered.
        """
        clock = self._ports.clock
        trace_id = TraceId(new_id("tr", clock, self._ports.chance))
        begun = self._lost(trace_id, len(turns))
        started = clock.monotonic()

        def record(outcome: Outcome | None, code: str | None) -> None:
            duration_ms = round((clock.monotonic() - started) * 1000, 3)
            self._ports.record(self._told(begun, outcome or "answered", code, duration_ms))

        self._ports.begin(begun)
        with ending(trace_id, record):
            return await self._ask(before, turns)

    async def _ask(self, before: str, turns: Sequence[Message]) -> str:
        ports = self._ports
        ladder, known = self._writers()
        models = readers_of(ports.deployments.in_order(ladder, known, ports.chance))
        counter = await ports.counter(models)
        longest = min(model.max_output_tokens for model in models)
        tokens = min(ports.summary_tokens, longest, await self._told_tokens())
        window = window_of(models, tokens)
        # It takes the processor for as long as it takes to count all of the turns.
        messages = await asyncio.to_thread(asking_for_summary, before, turns, window, counter)
        said, room = list[str](), tokens * LONGEST_TOKEN
        request = ModelRequest(messages=messages, max_tokens=tokens)
        rungs = [Rung(model, ports.provider(model)) for model in models]
        stream = stream_ladder(
            Order(request), rungs, ports.of_ladder(self._asked.payer, self._attempts.append)
        )
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, TextDelta) and room > 0:
                    said.append(event.text[:room])
                    room -= len(event.text)
                if room <= 0:
                    break
        self._text = fitting(visible("".join(said)).strip(), tokens, counter)
        if not any(map(str.isalnum, self._text)):
            raise BadAnswer("the model wrote no summary")
        return self._text

    async def _told_tokens(self) -> int:
        """Return how many tokens of a summary the feature's own prompt has room for."""
        readers = readers_of(self._release.models_of(self._stage))
        counter = await self._ports.counter(readers)
        room = room_for_summary(window_of(readers, self._stage.max_tokens), counter)
        return max(LEAST_TOKENS, room)

    def _writers(self) -> tuple[Ladder, Mapping[str, Model]]:
        """Return the ladder that writes it, and what its models are by their names."""
        named, catalogue = self._ports.summary_model, self._ports.catalogue
        if not named:
            return self._release.ladders[self._stage.ladder], self._release.models
        if not (ladder := catalogue.ladder(named)).steps:
            raise ModelUnknown(
                f"models.yaml has no model and no ladder {named!r}, which is to write summaries",
                hint="Correct `prompts.memory.summary_model` in buttress.yaml.",
            )
        return ladder, catalogue.models

    def _lost(self, trace_id: TraceId, turns: int) -> Trace:
        asked = self._asked
        return Trace(
            kind="summary",
            trace_id=trace_id,
            tenant=asked.tenant,
            feature=asked.feature,
            release_id=self._release.release_id,
            user_id=asked.user,
            key_id=asked.key,
            tags=dict(asked.tags),
            started_at=self._ports.clock.now(),
            duration_ms=0.0,
            outcome="lost",
            error_code=PROCESS_DIED,
            input={"conversation": asked.conversation, "summarises": turns},
        )

    def _told(self, begun: Trace, outcome: Outcome, code: str | None, duration_ms: float) -> Trace:
        sums = sums_of(self._attempts)
        return msgspec.structs.replace(
            begun,
            duration_ms=duration_ms,
            outcome=outcome,
            error_code=code,
            model=sums.model,
            answer=self._text,
            attempts=msgspec.to_builtins(self._attempts),
            usage=sums.usage,
            cost_nanodollars=sums.cost,
        )
