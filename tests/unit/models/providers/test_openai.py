"""What an OpenAI-compatible upstream is sent, and what its last events say."""

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished
from buttress.kernel.usage import Usage
from buttress.models.providers.openai import OPENAI
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import collect
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.providers.asking import SECRET, ask, http_provider


async def test_it_asks_for_a_stream_with_usage_and_a_bound() -> None:
    async with ScriptedUpstream() as upstream, Sessions(OutboundSettings()) as sessions:
        await collect(http_provider(OPENAI, upstream.url, sessions), ask())
    received = upstream.received[0]
    assert received.path == "/v1/chat/completions"
    assert received.headers["Authorization"] == f"Bearer {SECRET}"
    assert received.headers["User-Agent"] == "buttress"
    assert "Cookie" not in received.headers
    assert received.body == {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "Hi?"}],
        "max_tokens": 50,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_usage_and_reason_come_at_the_end() -> None:
    usage: dict[str, object] = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    reply = Reply(usage=usage, finish_reason="length")
    async with ScriptedUpstream([reply]) as upstream, Sessions(OutboundSettings()) as sessions:
        events = await collect(http_provider(OPENAI, upstream.url, sessions), ask())
    expected = Usage(input=40, cache_read=60, output=20, reasoning=10)
    assert events[-1] == Finished(reason="length", usage=expected, model="gpt-x")


def test_without_a_base_url_it_is_their_own() -> None:
    assert OPENAI.url(Model(name="m", provider="openai")) == "https://api.openai.com/v1/chat/completions"


def test_without_a_key_there_is_no_header_for_it() -> None:
    assert OPENAI.headers("") == {}
