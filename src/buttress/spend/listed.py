"""Which entry of the price list a model is: by who is asked, not by what it calls itself. Pure.

Prices are those of a provider *and* a model. An address that is none of the known providers' own has no price
in the list, whatever API is spoken there: a model called `gpt-5` on somebody else's server is not OpenAI's.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from buttress.kernel.catalogue import Model


class Entry(msgspec.Struct, frozen=True, order=True):
    """A model of the list: who sells it, and what it is called there."""

    seller: str
    model: str


SELLERS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "aiplatform.googleapis.com": "google",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x-ai",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.cerebras.ai": "cerebras",
    "api.voyageai.com": "voyageai",
    "api.moonshot.ai": "moonshotai",
    "api.moonshot.cn": "moonshotai",
    "api.novita.ai": "novita",
    "api.z.ai": "zai",
    "openrouter.ai": "openrouter",
}
"""Hosts that sell their answers at list prices, with their names in the list."""

_SELLERS_BELOW: Mapping[str, str] = {
    ".openai.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    ".cognitiveservices.azure.com": "azure",
    "-aiplatform.googleapis.com": "google",
}
"""How hosts end of which each customer, or each region, has an own one."""

_BY_PROVIDER: Mapping[str, str] = {"anthropic": "anthropic", "gemini": "google"}
"""Who is asked where a model has no `base_url`."""

_BY_SDK: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azureopenai": "azure",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "vertexai": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
"""How `longtail` calls those whom the list knows."""


def entry_of(model: Model) -> Entry | None:
    """Return the entry that `model` has in the list, should it stand there; None where nobody sells it."""
    sdk, _, name = model.id.partition(":") if model.provider == "longtail" else ("", "", model.id)
    if model.base_url:
        seller = _seller_at(model.base_url)
    else:
        seller = _BY_SDK.get(sdk) if sdk else _BY_PROVIDER.get(model.provider)
    return Entry(seller, name.removeprefix("models/")) if seller and name else None


def _seller_at(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or parts.port not in (None, 443):
        return None
    below = (seller for end, seller in _SELLERS_BELOW.items() if host.endswith(end) and host != end)
    return SELLERS.get(host) or next(below, None)
