"""Models that embed, over real HTTP."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.request_in import read_body as read_chat
from buttress.models.dialects.embeddings import read_body
from buttress.models.dialects.known import read_request
from buttress.models.errors import BadAnswer, WrongKind
from buttress.models.providers.embeddings import EMBEDDINGS
from buttress.models.providers.http import HttpProvider
from buttress.models.types import Frame
from buttress.outbound.sessions import Sessions
from buttress.testing.upstream import Recording, Reply, ScriptedUpstream
from tests.unit.models.providers.asking import SECRET, ask, http_parts

BODY = read_body(b'{"model": "m", "input": ["a"], "dimensions": 3, "encoding_format": "float", "x": 1}')
CHAT = read_chat(b'{"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}')
ANSWER = b'{ "data": [{"index": 0, "embedding": [0.5,1e-3]}], "usage": {"prompt_tokens": 11}, "y": [] }'


def at(url: str, sessions: Sessions) -> HttpProvider:
    model = Model(name="vectors", id="e-small", provider="embeddings", base_url=url, key="env:KEY")
    return HttpProvider(model, EMBEDDINGS, http_parts(sessions))


async def frames_of(provider: HttpProvider) -> list[Frame]:
    passed = provider.pass_on(BODY)
    assert passed is not None
    return [frame async for frame in passed]


def answering(data: bytes) -> ScriptedUpstream:
    return ScriptedUpstream([Reply(recording=Recording(stream=b"", whole=data))])


async def test_what_was_asked_goes_on_and_what_was_answered_comes_back(sessions: Sessions) -> None:
    async with answering(ANSWER) as upstream:
        (frame,) = await frames_of(at(upstream.url, sessions))
    assert frame.data == ANSWER
    assert frame.seen.text == '{"vectors":1,"length":2}'
    assert frame.seen.finished is not None
    assert frame.seen.finished.usage == Usage(input=11)
    (received,) = upstream.received
    sent = {"model": "e-small", "input": ["a"], "dimensions": 3, "encoding_format": "float", "x": 1}
    assert (received.path, received.body) == ("/v1/embeddings", sent)
    assert received.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        pytest.param("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings", id="OpenAI"),
        pytest.param("http://tei:8080", "http://tei:8080/v1/embeddings", id="a host alone"),
        pytest.param("http://tei:8080/", "http://tei:8080/v1/embeddings", id="and a slash"),
        pytest.param(
            "https://g.test/v1beta/openai", "https://g.test/v1beta/openai/embeddings", id="another path"
        ),
        pytest.param(
            "http://gpu:8000/v1/embeddings", "http://gpu:8000/v1/embeddings", id="the whole address"
        ),
    ],
)
def test_where_it_is_asked(base_url: str, url: str) -> None:
    assert EMBEDDINGS.url(Model(name="m", provider="embeddings", base_url=base_url)) == url


async def test_an_answer_that_holds_no_vectors_is_a_bad_one(sessions: Sessions) -> None:
    async with answering(b"{}") as upstream:
        with pytest.raises(BadAnswer, match="vectors did not answer with vectors"):
            await frames_of(at(upstream.url, sessions))


async def test_a_model_that_embeds_answers_nothing_else(sessions: Sessions) -> None:
    """And nothing is sent."""
    provider = at("http://127.0.0.1:9", sessions)
    assert provider.pass_on(CHAT) is None
    with pytest.raises(WrongKind, match="vectors embeds texts, and answers nothing else"):
        await anext(provider.stream(ask()))


def test_whoever_answers_does_not_embed() -> None:
    with pytest.raises(WrongKind, match="m embeds no texts"):
        read_request(BODY)
