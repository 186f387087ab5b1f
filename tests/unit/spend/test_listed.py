"""Which entry of the price list a model is."""

import re

import pytest

from buttress.kernel.catalogue import Model
from buttress.spend.listed import SELLERS, Entry, entry_of


def model(provider: str, name: str, base_url: str = "") -> Model:
    return Model(name="m", provider=provider, id=name, base_url=base_url)


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        pytest.param(model("openai", "gpt-5", "https://api.openai.com/v1"), ("openai", "gpt-5"), id="OpenAI"),
        pytest.param(
            model("openai", "gpt-5", "https://llm.example.com/v1"), None, id="OpenAI's API at somebody else's"
        ),
        pytest.param(model("openai", "gpt-5", "http://127.0.0.1:8000/v1"), None, id="on this machine"),
        pytest.param(model("openai", "gpt-5", "http://api.openai.com/v1"), None, id="not over TLS"),
        pytest.param(model("openai", "gpt-5", "https://api.openai.com:8443/v1"), None, id="another port"),
        pytest.param(
            model("openai", "gpt-5", "https://api.openai.com.example.org/v1"),
            None,
            id="a host that begins like it",
        ),
        pytest.param(
            model("openai", "gpt-5", "https://api.openai.com@example.org/v1"),
            None,
            id="a user that is its name",
        ),
        pytest.param(
            model("openai", "gpt-4o", "https://our.openai.azure.com/openai/v1"),
            ("azure", "gpt-4o"),
            id="Azure",
        ),
        pytest.param(
            model("openai", "gpt-4o", "https://openai.azure.com.example.org/v1"),
            None,
            id="no host of Azure's",
        ),
        pytest.param(
            model("openai", "mistral-large-latest", "https://api.mistral.ai/v1"),
            ("mistral", "mistral-large-latest"),
            id="another seller that speaks OpenAI's API",
        ),
        pytest.param(
            model("openai", "gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta/openai"),
            ("google", "gemini-2.5-pro"),
            id="Google in OpenAI's words",
        ),
        pytest.param(
            model("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-sonnet-4-5"), id="Anthropic"
        ),
        pytest.param(
            model("anthropic", "claude-sonnet-4-5", "https://proxy.example.com"),
            None,
            id="a proxy to Anthropic",
        ),
        pytest.param(
            model("gemini", "models/gemini-2.5-pro"),
            ("google", "gemini-2.5-pro"),
            id="Gemini by its long name",
        ),
        pytest.param(
            model("longtail", "bedrock:anthropic.claude-sonnet-4-5-v1:0"),
            ("aws", "anthropic.claude-sonnet-4-5-v1:0"),
            id="through the long tail",
        ),
        pytest.param(model("longtail", "ollama:llama3"), None, id="whom the list does not know"),
        pytest.param(
            model("longtail", "mistral:x", "https://llm.example.com"),
            None,
            id="the long tail at somebody else's",
        ),
        pytest.param(
            model("embeddings", "text-embedding-3-small", "https://api.openai.com/v1"),
            ("openai", "text-embedding-3-small"),
            id="embeddings",
        ),
        pytest.param(model("local", ""), None, id="what runs here"),
        pytest.param(model("extractive", ""), None, id="quotes"),
    ],
)
def test_entry_of(asked: Model, entry: tuple[str, str] | None) -> None:
    assert entry_of(asked) == (entry and Entry(*entry))


def test_every_host_is_the_lists_own_for_its_seller() -> None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - heavy

    patterns = {seller.id: seller.api_pattern for seller in get_snapshot().providers}
    others = {"openrouter.ai"}
    for host, seller in SELLERS.items():
        assert host in others or re.match(patterns[seller], f"https://{host}/v1"), host
