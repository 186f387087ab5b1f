"""What Anthropic's Messages API is sent, and what its last events say."""

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, Message, ModelRequest
from buttress.kernel.usage import Usage
from buttress.models.dialects.messages.request_in import read_body
from buttress.models.providers.anthropic import ANTHROPIC
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import collect, text_of
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.providers.asking import SECRET, http_provider

ASKED = ModelRequest(
    messages=(Message("system", "Be brief."), Message("user", "Hi?")), max_tokens=50, temperature=0.5
)


async def test_it_asks_for_a_stream_with_a_bound_and_the_system_apart() -> None:
    async with ScriptedUpstream() as upstream, Sessions(OutboundSettings()) as sessions:
        await collect(http_provider(ANTHROPIC, upstream.url, sessions), ASKED)
    received = upstream.received[0]
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == SECRET
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "Authorization" not in received.headers
    assert received.body == {
        "model": "gpt-x",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi?"}],
        "max_tokens": 50,
        "stream": True,
    }


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        pytest.param({}, ("2023-06-01", None), id="ours where the client has none"),
        pytest.param(
            {"anthropic-version": "2099-01-01", "anthropic-beta": "a-1,b-2"},
            ("2099-01-01", "a-1,b-2"),
            id="the client's own",
        ),
    ],
)
async def test_a_client_of_the_same_dialect_says_how_it_wants_to_be_understood(
    headers: dict[str, str], sent: tuple[str, str | None]
) -> None:
    body = msgspec.structs.replace(
        read_body(b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi?"}],"stream":true}'),
        headers={**headers, "x-api-key": "the client's", "x-other": "no"},
    )
    async with ScriptedUpstream() as upstream, Sessions(OutboundSettings()) as sessions:
        passed = http_provider(ANTHROPIC, upstream.url, sessions).pass_on(body)
        assert passed is not None
        assert [frame async for frame in passed][-1].seen.finished
    got = upstream.received[0].headers
    assert (got["anthropic-version"], got.get("anthropic-beta")) == sent
    assert got["x-api-key"] == SECRET
    assert "x-other" not in got


async def test_usage_and_reason_come_at_the_end() -> None:
    usage: dict[str, object] = {
        "prompt_tokens": 40,
        "completion_tokens": 30,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 10},
    }
    reply = Reply(usage=usage, finish_reason="length")
    async with ScriptedUpstream([reply]) as upstream, Sessions(OutboundSettings()) as sessions:
        events = await collect(http_provider(ANTHROPIC, upstream.url, sessions), ASKED)
    assert text_of(events) == "Hello world."
    expected = Usage(input=40, cache_read=60, cache_write=5, output=20, reasoning=10)
    assert events[-1] == Finished(reason="length", usage=expected, model="gpt-x")


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        pytest.param("", "https://api.anthropic.com/v1/messages", id="without one it is their own"),
        pytest.param("https://proxy.example/a", "https://proxy.example/a/v1/messages", id="a path stays"),
        pytest.param(
            "https://proxy.example/v1/", "https://proxy.example/v1/messages", id="v1 is not said twice"
        ),
    ],
)
def test_where_it_is_asked(base_url: str, url: str) -> None:
    assert ANTHROPIC.url(Model(name="m", provider="anthropic", base_url=base_url)) == url


def test_without_a_key_there_is_no_header_for_it() -> None:
    assert ANTHROPIC.headers("") == {"anthropic-version": "2023-06-01"}
