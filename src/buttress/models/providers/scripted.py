"""Drills: a real provider that is made slow, or broken in the middle of its answer, for somebody who watches.

Nothing is pretended: the waits are waited, and the break is the error that a broken upstream raises.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from buttress.kernel.messages import ModelEvent, ModelRequest, TextDelta
from buttress.models.dialects.types import Body, Tally
from buttress.models.errors import StreamCut
from buttress.models.ports import Provider

Drill = Literal["slow", "cut"]
"""What is done to the models of one call."""

CHARACTERS_A_SECOND = 40.0
"""How fast a slowed model speaks: a person reads about half as fast."""

LONGEST_WAIT_S = 3.0
"""A piece of any length waits no longer: a drill is to be slow, not late."""

CUT_AFTER_CHARACTERS = 120
"""When a stream breaks: late enough that a first sentence was released, mostly."""


def drilled(provider: Provider, drill: Drill | None) -> Provider:
    """Return `provider` with `drill` done to it; itself without one."""
    match drill:
        case "slow":
            return SlowProvider(provider)
        case "cut":
            return CutProvider(provider)
        case None:
            return provider


class SlowProvider:
    """A `Provider` that waits before each piece as long as it would take to say it slowly."""

    def __init__(self, provider: Provider, characters_a_second: float = CHARACTERS_A_SECOND) -> None:
        self._provider = provider
        self._characters_a_second = characters_a_second

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`."""
        async with aclosing(self._provider.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    wait_s = len(event.text) / self._characters_a_second
                    await asyncio.sleep(min(wait_s, LONGEST_WAIT_S))
                yield event

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; what is done to an answer is done in our words."""


class CutProvider:
    """A `Provider` whose stream breaks at the first event after so many characters, its end at the latest."""

    def __init__(self, provider: Provider, after_characters: int = CUT_AFTER_CHARACTERS) -> None:
        self._provider = provider
        self._after_characters = after_characters

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`.

        Raises:
            StreamCut: always, in place of the rest of the answer.
        """
        said = 0
        async with aclosing(self._provider.stream(request)) as events:
            async for event in events:
                if isinstance(event, Tally):
                    yield event
                    continue
                if not isinstance(event, TextDelta) or said >= self._after_characters:
                    break
                said += len(event.text)
                yield event
        raise StreamCut(f"a drill broke the stream after {said} characters")

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; what is done to an answer is done in our words."""
