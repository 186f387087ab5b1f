"""A weak model, backed by quotes."""

from collections.abc import AsyncGenerator

import pytest

from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.types import Body
from buttress.models.errors import NothingToQuote
from buttress.models.providers.backed import BackedProvider
from buttress.models.providers.extractive import EXTRACTIVE, ExtractiveProvider, LexicalRanker
from buttress.models.settings import QuoteSettings
from buttress.testing.contracts.provider import collect, text_of
from tests.unit.models.providers.test_extractive import ask


class Talker:
    """A `Provider` that says the same to everything, and counts how often."""

    def __init__(self) -> None:
        self.asked = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        del request
        self.asked += 1
        yield TextDelta("Surely.")
        yield Finished(reason="stop", usage=Usage(), model="small")

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`."""
        del body


def backed(talker: Talker) -> BackedProvider:
    """Return `talker`, backed."""
    return BackedProvider(
        talker, ExtractiveProvider(EXTRACTIVE, ranker=LexicalRanker(), settings=QuoteSettings())
    )


async def test_it_is_asked_what_can_be_quoted() -> None:
    events = await collect(backed(Talker()), ask("What does the key open?", "The key opens the door."))
    assert text_of(events) == "Surely."
    assert isinstance(events[-1], Finished)
    assert events[-1].model == "small"


async def test_it_is_not_asked_what_nothing_answers() -> None:
    talker = Talker()
    with pytest.raises(NothingToQuote):
        await collect(backed(talker), ask("What does a giraffe eat?", "The key opens the door."))
    assert talker.asked == 0
