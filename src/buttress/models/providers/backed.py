"""A weak model, backed by quotes: it is asked only what can be answered without it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.kernel.messages import ModelEvent, ModelRequest
from buttress.models.dialects.types import Body, Tally
from buttress.models.ports import Provider
from buttress.models.providers.extractive import ExtractiveProvider
from buttress.models.types import Frame


class BackedProvider:
    """A `Provider` that asks another one, where the passages hold sentences that answer.

    A weak model never says that it does not know; so the rule by which quotes do is asked first, which takes
    a hundredth of the model's time.
    """

    def __init__(self, provider: Provider, quotes: ExtractiveProvider) -> None:
        self._provider = provider
        self._quotes = quotes

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`.

        Raises:
            NothingToQuote: nothing in the passages has to do with the question; the model was not asked.
        """
        if request.grounding is not None:  # a request without passages asks the model itself
            async with aclosing(self._quotes.stream(request)) as quotes:
                await anext(quotes)
        async with aclosing(self._provider.stream(request)) as events:
            async for event in events:
                yield event

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`: who asks the model itself is not asking about passages."""
        return self._provider.pass_on(body)
