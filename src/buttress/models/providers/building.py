"""From a declared model to the provider that reaches it."""

from collections.abc import Callable

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import Clock
from buttress.models.errors import ProviderUnknown
from buttress.models.ports import Provider, SentenceRanker
from buttress.models.providers.extractive import ExtractiveProvider
from buttress.models.providers.openai import OpenAIProvider
from buttress.models.settings import ModelSettings
from buttress.outbound.sessions import Sessions

PROVIDERS = ("openai", "extractive")
"""What `provider:` of a model may be."""


class ProviderParts(msgspec.Struct, frozen=True, kw_only=True):
    """What providers are built from. `resolve_secret` turns `env:NAME` or `file:PATH` into the secret."""

    sessions: Sessions
    settings: ModelSettings
    resolve_secret: Callable[[str], str]
    ranker: SentenceRanker
    clock: Clock


def build_provider(model: Model, parts: ProviderParts) -> Provider:
    """Return the provider of `model`; nothing is sent and no secret is read yet.

    Raises:
        ProviderUnknown: there is no adapter of that name.
    """
    match model.provider:
        case "openai":
            return OpenAIProvider(
                model,
                sessions=parts.sessions,
                settings=parts.settings,
                resolve_secret=parts.resolve_secret,
                clock=parts.clock,
            )
        case "extractive":
            return ExtractiveProvider(model, ranker=parts.ranker, settings=parts.settings.quotes)
        case other:
            raise ProviderUnknown(f"model {model.name} names the provider `{other}`, which there is not")
