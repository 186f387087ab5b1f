"""How many tokens a request can have at most."""

import base64
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Image, Message, ModelRequest, TextPart, Tool, ToolCall, ToolResult
from buttress.models.bounds import ADDED_TOKENS, PICTURE_TOKENS, SMALL_PICTURE_TOKENS, bounds_of
from buttress.models.dialects.chat.request_in import read_body as read_chat
from buttress.models.dialects.embeddings import read_body as read_embeddings
from buttress.models.dialects.messages.request_in import read_body as read_messages
from buttress.models.dialects.rerank import read_body as read_rerank
from buttress.models.dialects.responses.request_in import read_body as read_responses
from buttress.models.dialects.texts import told_in_body
from buttress.models.dialects.types import Body
from buttress.models.openai_tokens import load_openai_counter
from buttress.models.order import Order

MODEL = Model(name="m", provider="openai", id="gpt-5", window_tokens=100_000, max_output_tokens=900)
PICTURE = "data:image/png;base64," + base64.b64encode(bytes(300_000)).decode()


def chat(**fields: object) -> Body:
    turns = [{"role": "user", "content": "Hi?"}]
    return read_chat(msgspec.json.encode({"model": "m", "messages": turns, **fields}))


def claude(**fields: object) -> Body:
    turns = [{"role": "user", "content": "Hi?"}]
    return read_messages(msgspec.json.encode({"model": "m", "messages": turns, "max_tokens": 50, **fields}))


def turn(*content: dict[str, object]) -> list[dict[str, object]]:
    return [{"role": "user", "content": list(content)}]


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        pytest.param(chat(), 900, id="nothing bounds it but models.yaml"),
        pytest.param(chat(max_tokens=20), 20, id="max_tokens"),
        pytest.param(chat(max_completion_tokens=30), 30, id="max_completion_tokens"),
        pytest.param(chat(max_completion_tokens=30, max_tokens=40), 40, id="both: the larger"),
        pytest.param(chat(max_tokens=5_000), 5_000, id="more than models.yaml says: it goes on as it is"),
        pytest.param(chat(max_tokens=None), 900, id="null is nothing"),
        pytest.param(chat(max_tokens=20, n=3), 60, id="three answers"),
        pytest.param(chat(n=2), 1_800, id="two answers of the model's own length"),
        pytest.param(
            chat(max_tokens=20, prediction={"type": "content", "content": "abc"}),
            20 + len('{"type":"content","content":"abc"}'),
            id="a guess that is rejected is paid for",
        ),
        pytest.param(claude(), 50, id="Anthropic's"),
        pytest.param(
            read_responses(b'{"model": "m", "input": "Hi?", "max_output_tokens": 70}'), 70, id="Responses"
        ),
        pytest.param(read_embeddings(b'{"model": "m", "input": "Hi?"}'), 0, id="vectors"),
        pytest.param(read_rerank(b'{"model": "m", "query": "q", "documents": ["d"]}'), 0, id="ranks"),
        pytest.param(ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10), 10, id="our own words"),
        pytest.param(
            ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=None), 900, id="and no bound"
        ),
    ],
)
def test_what_comes_out(asked: ModelRequest | Body, tokens: int) -> None:
    assert bounds_of(asked, MODEL).output_tokens == tokens


TEXTS = st.text(max_size=200)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS)
def test_what_goes_in_is_bounded_by_its_bytes(texts: list[str], description: str) -> None:
    """A byte-level tokenizer makes at most one token of a byte; JSON never says a text in fewer."""
    turns = [{"role": "user", "content": text} for text in texts]
    tools = [{"type": "function", "function": {"name": "f", "description": description}}]
    body = chat(messages=turns, tools=tools)
    told = sum(len(text.encode()) for text in (*texts, description))
    assert bounds_of(body, MODEL).input_tokens >= told + ADDED_TOKENS
    ours = ModelRequest(
        messages=tuple(Message("user", text) for text in texts),
        max_tokens=1,
        tools=(Tool(name="f", description=description),),
    )
    assert bounds_of(ours, MODEL).input_tokens >= told + ADDED_TOKENS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Wie lange dauert eine Rückgabe? " * 40, id="German"),
        pytest.param("返金にはどのくらいかかりますか。" * 40, id="Japanese"),
        pytest.param("🧾🇩🇪👩‍👩‍👧" * 40, id="emoji"),
        pytest.param('\u0000\u0001\n\t\\"' * 40, id="what JSON escapes"),
        pytest.param("zq xj kw vf " * 40, id="nonsense"),
    ],
)
def test_a_real_tokenizer_makes_no_more_of_it(text: str) -> None:
    counter = load_openai_counter("o200k_base")
    body = chat(messages=[{"role": "user", "content": text}])
    assert counter.count(told_in_body(body)) <= bounds_of(body, MODEL).input_tokens


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(
            chat(messages=turn({"type": "image_url", "image_url": {"url": PICTURE}})), id="a picture in chat"
        ),
        pytest.param(
            claude(
                messages=turn(
                    {
                        "type": "image",
                        "source": {
                            "type": "base64",
                            "media_type": "image/png",
                            "data": PICTURE.partition(",")[2],
                        },
                    }
                )
            ),
            id="in Anthropic's words",
        ),
        pytest.param(
            read_responses(
                msgspec.json.encode(
                    {"model": "m", "input": turn({"type": "input_image", "image_url": PICTURE})}
                )
            ),
            id="in Responses",
        ),
        pytest.param(
            ModelRequest(messages=(Message("user", "", (Image(PICTURE),)),), max_tokens=1), id="in ours"
        ),
    ],
)
def test_a_picture_counts_as_one_however_many_bytes_it_has(asked: Body | ModelRequest) -> None:
    counted = bounds_of(asked, MODEL).input_tokens
    assert PICTURE_TOKENS <= counted <= PICTURE_TOKENS + 1_000
    often = bounds_of(asked, msgspec.structs.replace(MODEL, id="gpt-4o-mini")).input_tokens
    assert often >= SMALL_PICTURE_TOKENS


def test_each_picture_counts_and_so_does_the_text_beside_it() -> None:
    picture: dict[str, object] = {"type": "image_url", "image_url": {"url": PICTURE}}
    body = chat(messages=turn(picture, picture, {"type": "text", "text": "x" * 5_000}))
    assert bounds_of(body, MODEL).input_tokens >= 2 * PICTURE_TOKENS + 5_000


def test_a_picture_at_an_address_counts_as_one() -> None:
    source = {"type": "url", "url": "https://example.com/a.png"}
    body = claude(messages=turn({"type": "image", "source": source}))
    assert PICTURE_TOKENS <= bounds_of(body, MODEL).input_tokens <= PICTURE_TOKENS + 1_000


def test_a_text_that_looks_like_a_picture_is_a_text() -> None:
    body = chat(messages=turn({"type": "text", "text": PICTURE}, {"type": "text", "text": '{"image": 1}'}))
    assert bounds_of(body, MODEL).input_tokens >= len(PICTURE)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"type": "file", "file": {"file_id": "file-1"}}, id="OpenAI's"),
        pytest.param(
            {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}}, id="a URL"
        ),
        pytest.param({"type": "document", "source": {"type": "file", "file_id": "f"}}, id="Anthropic's"),
    ],
)
def test_a_file_that_stands_elsewhere_counts_as_the_whole_window(part: dict[str, object]) -> None:
    assert bounds_of(chat(messages=turn(part)), MODEL).input_tokens >= MODEL.window_tokens


def test_a_file_whose_name_is_hidden_counts_all_the_same() -> None:
    told = json.dumps(turn({"type": "file", "file": {"file_id": "file-1"}})).replace(
        "file_id", r"fil\u0065_id"
    )
    body = read_chat(b'{"model": "m", "messages": %b}' % told.replace('"file"', r'"fil\u0065"').encode())
    assert bounds_of(body, MODEL).input_tokens >= MODEL.window_tokens


def test_a_query_is_read_with_each_document() -> None:
    body = read_rerank(msgspec.json.encode({"model": "m", "query": "q" * 100, "documents": ["d"] * 30}))
    assert bounds_of(body, MODEL).input_tokens >= 100 * 30


def test_calls_of_tools_and_their_results_count() -> None:
    parts = (TextPart("abc"), ToolCall("1", "f", "x" * 700), ToolResult("1", "y" * 800))
    request = ModelRequest(messages=(Message("user", "", parts),), max_tokens=1)
    assert bounds_of(request, MODEL).input_tokens >= 1_503


def test_an_order_knows_its_bounds() -> None:
    assert Order(chat(max_tokens=5)).bounds(MODEL) == bounds_of(chat(max_tokens=5), MODEL)
