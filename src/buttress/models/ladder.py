"""A ladder of models: the first that begins to answer, answers.

Falling back is possible only before the first piece of text is released: what a stream released cannot be
taken back, so a failure after it is raised, and the caller says how the answer goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import ModelEvent, ModelRequest
from buttress.models.attempts import LadderPorts, RunningAttempt
from buttress.models.decide import Failed, GiveUp, NextRung, Retry, after_failure
from buttress.models.errors import NoRungLeft, RungFailure
from buttress.models.ports import Rung


async def stream_ladder(
    request: ModelRequest, rungs: Sequence[Rung], ports: LadderPorts
) -> AsyncGenerator[ModelEvent, None]:
    """Answer `request` with the first of `rungs` that begins to; `Finished`, the last event, names the model.

    The only place that tries again. Close the generator (`contextlib.aclosing`) when leaving early: the
    upstream call ends with it, and the attempt is recorded as cancelled.

    Raises:
        NoRungLeft: every model failed before it said anything.
        ModelTimeout: the time for the whole answer is over.
        ButtressError: a model failed after it had said something.
    """
    deadline = ports.clock.monotonic() + ports.settings.total_timeout_s
    failures: list[RungFailure] = []
    for rung in rungs:
        for tries in count(1):
            attempt = RunningAttempt(rung, request, ports, deadline=deadline)
            try:
                with attempt:
                    async with aclosing(attempt.texts()) as texts:
                        async for text in texts:
                            yield text
            except ButtressError as error:
                if attempt.has_spoken:
                    raise
                if not await _is_to_be_asked_again(error, tries, deadline, ports):
                    failures.append(RungFailure(rung.model.name, error))
                    break
            else:
                yield attempt.finished
                return
    raise NoRungLeft(failures) from (failures[-1].error if failures else None)


async def _is_to_be_asked_again(
    error: ButtressError, tries: int, deadline: float, ports: LadderPorts
) -> bool:
    """Say whether the same model is to be asked again, after the wait before that; False means the next one.

    Raises:
        ButtressError: `error`, when nobody is to be asked any more.
    """
    remaining_s = deadline - ports.clock.monotonic()
    failed = Failed(error=error, tries=tries, remaining_s=remaining_s, chance=ports.chance.fraction())
    match after_failure(failed, ports.settings):
        case Retry(delay_s):
            await asyncio.sleep(delay_s)
            return True
        case NextRung():
            return False
        case GiveUp():
            raise error
