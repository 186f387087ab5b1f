"""From a declared model to its provider."""

from collections.abc import Sequence

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.models.errors import LocalModelAway, ProviderUnknown
from buttress.models.providers.backed import BackedProvider
from buttress.models.providers.building import PROVIDERS, ProviderParts, build_provider
from buttress.models.providers.extractive import ExtractiveProvider, LexicalRanker
from buttress.models.providers.http import HttpParts, HttpProvider
from buttress.models.providers.local import Gate, LocalParts, LocalProvider
from buttress.models.providers.longtail import LongtailProvider
from buttress.models.providers.rerank import OwnRerankProvider, RerankProvider
from buttress.models.settings import ModelSettings
from buttress.models.types import LocalAddress, Scored
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings


class Nowhere:
    """A `LocalServer` that is not there."""

    def begin(self) -> None:
        return None

    async def address(self) -> LocalAddress:
        raise LocalModelAway("nobody runs it")


class Away:
    """A `Reranker` that is not there."""

    async def rerank(self, query: str, documents: Sequence[str], max_tokens: int | None) -> Scored:
        raise LocalModelAway(f"nobody scores {len(documents)} documents of {max_tokens} tokens by {query}")


SETTINGS = ModelSettings()
PARTS = ProviderParts(
    http=HttpParts(
        sessions=Sessions(OutboundSettings()), settings=SETTINGS, resolve_secret=str, clock=SystemClock()
    ),
    ranker=LexicalRanker(),
    reranker=Away(),
    local=LocalParts(server=Nowhere(), gate=Gate(SETTINGS.local)),
)
KINDS: dict[str, type] = {
    "openai": HttpProvider,
    "anthropic": HttpProvider,
    "gemini": HttpProvider,
    "longtail": LongtailProvider,
    "local": LocalProvider,
    "extractive": ExtractiveProvider,
    "rerank": RerankProvider,
    "own-rerank": OwnRerankProvider,
    "embeddings": HttpProvider,
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_built_without_reading_a_secret(name: str) -> None:
    model = Model(name="m", provider=name, key="env:NOT_SET")
    assert type(build_provider(model, PARTS)) is KINDS[name]


@pytest.mark.parametrize("name", [one for one in PROVIDERS if one != "extractive"])
def test_a_model_may_be_backed_by_quotes(name: str) -> None:
    assert type(build_provider(Model(name="m", provider=name, backed=True), PARTS)) is BackedProvider


def test_a_provider_that_there_is_not_is_named() -> None:
    with pytest.raises(ProviderUnknown, match="model m names the provider `smoke`"):
        build_provider(Model(name="m", provider="smoke"), PARTS)
