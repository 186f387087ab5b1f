"""What Gemini is sent, and what its last pieces say."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, Message, ModelRequest
from buttress.kernel.usage import Usage
from buttress.models.providers.gemini import GEMINI
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import collect, text_of
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.providers.asking import SECRET, http_provider

ASKED = ModelRequest(
    messages=(Message("system", "Be brief."), Message("user", "Hi?")), max_tokens=50, temperature=0.5
)


async def test_it_asks_for_a_stream_at_the_models_own_address() -> None:
    async with ScriptedUpstream() as upstream, Sessions(OutboundSettings()) as sessions:
        await collect(http_provider(GEMINI, upstream.url, sessions), ASKED)
    received = upstream.received[0]
    assert received.path == "/v1/models/gpt-x:streamGenerateContent"
    assert received.headers["x-goog-api-key"] == SECRET
    assert "Authorization" not in received.headers
    assert received.body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi?"}]}],
        "generationConfig": {"maxOutputTokens": 50, "temperature": 0.5},
    }


async def test_usage_and_reason_come_at_the_end() -> None:
    usage: dict[str, object] = {
        "prompt_tokens": 40,
        "completion_tokens": 20,
        "cached_content_tokens": 15,
        "thoughts_tokens": 10,
        "total_tokens": 70,
    }
    reply = Reply(usage=usage, finish_reason="length")
    async with ScriptedUpstream([reply]) as upstream, Sessions(OutboundSettings()) as sessions:
        events = await collect(http_provider(GEMINI, upstream.url, sessions), ASKED)
    assert text_of(events) == "Hello world."
    expected = Usage(input=25, cache_read=15, output=20, reasoning=10)
    assert events[-1] == Finished(reason="length", usage=expected, model="gpt-x")


_GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models"
_ASK = ":streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("base_url", "named", "url"),
    [
        pytest.param("", "g-3", f"{_GOOGLE}/g-3{_ASK}", id="without one it is their own"),
        pytest.param("https://x.example", "g", f"https://x.example/v1beta/models/g{_ASK}", id="no version"),
        pytest.param(
            "https://x.example/v1/", "g", f"https://x.example/v1/models/g{_ASK}", id="a version stays"
        ),
        pytest.param("", "models/g-3", f"{_GOOGLE}/g-3{_ASK}", id="models is not said twice"),
        pytest.param(
            "",
            "tunedModels/mine",
            f"{_GOOGLE.removesuffix('/models')}/tunedModels/mine{_ASK}",
            id="a tuned model",
        ),
        pytest.param("", "a?b", f"{_GOOGLE}/a%3Fb{_ASK}", id="an id is no part of the address"),
    ],
)
def test_where_it_is_asked(base_url: str, named: str, url: str) -> None:
    assert GEMINI.url(Model(name="m", id=named, provider="gemini", base_url=base_url)) == url


def test_without_a_key_there_is_no_header_for_it() -> None:
    assert GEMINI.headers("") == {}
