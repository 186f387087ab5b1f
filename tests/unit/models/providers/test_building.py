"""From a declared model to its provider."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.models.errors import ProviderUnknown
from buttress.models.providers.building import PROVIDERS, ProviderParts, build_provider
from buttress.models.providers.extractive import LexicalRanker
from buttress.models.settings import ModelSettings
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings

PARTS = ProviderParts(
    sessions=Sessions(OutboundSettings()),
    settings=ModelSettings(),
    resolve_secret=str,
    ranker=LexicalRanker(),
    clock=SystemClock(),
)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_built_without_reading_a_secret(name: str) -> None:
    model = Model(name="m", provider=name, key="env:NOT_SET")
    assert type(build_provider(model, PARTS)).__name__.lower() == f"{name}provider"


def test_a_provider_that_there_is_not_is_named() -> None:
    with pytest.raises(ProviderUnknown, match="model m names the provider `smoke`"):
        build_provider(Model(name="m", provider="smoke"), PARTS)
