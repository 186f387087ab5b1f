"""From a declared model to the provider that reaches it."""

from collections.abc import Callable

import msgspec

from buttress.kernel.catalogue import Model
from buttress.models.declaration import EMBEDDERS, RERANKERS
from buttress.models.errors import ProviderUnknown
from buttress.models.ports import Provider, Reranker, SentenceRanker
from buttress.models.providers.anthropic import ANTHROPIC
from buttress.models.providers.backed import BackedProvider
from buttress.models.providers.embeddings import EMBEDDINGS
from buttress.models.providers.extractive import EXTRACTIVE, ExtractiveProvider
from buttress.models.providers.gemini import GEMINI
from buttress.models.providers.http import Format, HttpParts, HttpProvider
from buttress.models.providers.local import LocalParts, LocalProvider
from buttress.models.providers.longtail import LongtailProvider
from buttress.models.providers.openai import OPENAI
from buttress.models.providers.rerank import OwnRerankProvider, RerankProvider

FORMATS: dict[str, Format] = {"openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI}
"""Providers that are a wire format over HTTP, and nothing else."""

_OF_HTTP_PARTS: dict[str, Callable[[Model, HttpParts], Provider]] = {
    "longtail": LongtailProvider,
    "rerank": RerankProvider,
}

PROVIDERS = (*FORMATS, "longtail", "local", "extractive", *RERANKERS, *EMBEDDERS)
"""What `provider:` of a model may be."""


class ProviderParts(msgspec.Struct, frozen=True, kw_only=True):
    """What providers are built from."""

    http: HttpParts
    ranker: SentenceRanker
    reranker: Reranker
    local: LocalParts


def build_provider(model: Model, parts: ProviderParts) -> Provider:
    """Return the provider of `model`; nothing is sent and no secret is read yet.

    Raises:
        ProviderUnknown: there is no adapter of that name.
    """
    provider = _provider(model, parts)
    return BackedProvider(provider, _quotes(EXTRACTIVE, parts)) if model.backed else provider


def _quotes(model: Model, parts: ProviderParts) -> ExtractiveProvider:
    return ExtractiveProvider(model, ranker=parts.ranker, settings=parts.http.settings.quotes)


def _provider(model: Model, parts: ProviderParts) -> Provider:
    if model.provider in FORMATS:
        return HttpProvider(model, FORMATS[model.provider], parts.http)
    if model.provider in _OF_HTTP_PARTS:
        return _OF_HTTP_PARTS[model.provider](model, parts.http)
    match model.provider:
        case "embeddings":
            return HttpProvider(model, EMBEDDINGS, parts.http)
        case "local":
            return LocalProvider(model, parts.local, parts.http)
        case "extractive":
            return _quotes(model, parts)
        case "own-rerank":
            return OwnRerankProvider(model, parts.reranker)
        case other:
            raise ProviderUnknown(f"model {model.name} names the provider `{other}`, which there is not")
