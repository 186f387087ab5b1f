"""`buttress serve` asked for models by what is no request: refused in the client's dialect, or answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from tests.flows.bad_answers import MEGABYTE, TEXT
from tests.flows.bench import Bench, question
from tests.flows.doors import PATHS, Door, Heard, heard, read, request_of, rss_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DOORS: tuple[Door, ...] = ("chat", "messages", "responses")
GOOD = question("a good answer")
MOST_MEMORY_BYTES = 400 * MEGABYTE
"""Of a worker that has 70 at rest: a body of 100 megabytes is never kept."""

NOTHING: Mapping[str, object] = {}
TRANSLATED = "by-gemini"
"""No client speaks its dialect: every field of a request to it is read."""


@pytest.fixture(autouse=True)
async def _nothing_is_left(bench: Bench) -> AsyncIterator[None]:
    """After each test the server holds what it held, and its upstream has no connection."""
    yield
    await bench.comes_to_rest()


def body_of(door: Door, more: Mapping[str, object] = NOTHING, model: str = TRANSLATED) -> dict[str, object]:
    """Return a request that is answered well, with `more` fields."""
    return {**request_of(door, model, stream=False, question=GOOD), **more}


async def told(bench: Bench, door: Door, body: bytes, *headers: bytes, length: int | None = None) -> Heard:
    """Send `body` with `headers`, byte for byte; `length` is what is told: None the truth, -1 nothing."""
    size = len(body) if length is None else length
    said = () if size < 0 else (b"content-length: %d" % size,)
    lines = (b"POST %b HTTP/1.1" % PATHS[door].encode(), b"host: localhost", *said, *headers, b"", body)
    host, port = bench.served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(20):
            writer.write(b"\r\n".join(lines))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.split(b"content-length: ")[1].split(b"\r")[0])
            answer = await reader.readexactly(size)
    finally:
        writer.transport.abort()
    return read(door, int(head.split(b" ")[1]), answer.decode(), wants_stream=False)


@pytest.mark.parametrize("door", DOORS)
async def test_a_hundred_megabytes_are_refused_before_they_are_sent(bench: Bench, door: Door) -> None:
    one = await told(bench, door, b"{", length=100 * MEGABYTE)
    assert (one.status, one.code) == (413, "server.body_too_large")


@pytest.mark.parametrize("door", DOORS)
async def test_a_hundred_megabytes_in_chunks_are_refused_and_not_kept(bench: Bench, door: Door) -> None:
    chunk = b"%x\r\n%b\r\n" % (MEGABYTE, b" " * MEGABYTE)
    one = await told(bench, door, chunk * 40, b"transfer-encoding: chunked", length=-1)
    assert (one.status, one.code) == (413, "server.body_too_large")
    assert rss_of(bench.served) < MOST_MEMORY_BYTES


@pytest.mark.parametrize(
    ("door", "field", "status"),
    [
        pytest.param("chat", "messages", 400, id="more than OpenAI takes"),
        pytest.param("messages", "messages", 200, id="as many as Anthropic takes"),
        pytest.param("responses", "input", 400, id="more items than OpenAI takes"),
    ],
)
async def test_ten_thousand_messages(bench: Bench, door: Door, field: str, status: int) -> None:
    turns = [{"role": "user", "content": "Hi?"}] * 9_999 + [{"role": "user", "content": GOOD}]
    one = await heard(bench.served.url, door, body_of(door, {field: turns}))
    assert one.status == status
    assert one.code in ("", "server.body_invalid", "models.request_invalid")


DEEP = json.loads("[" * 500 + "]" * 500)
WRONG: tuple[tuple[Door, str, object], ...] = (
    ("chat", "messages", "Hi?"),
    ("chat", "messages", [7]),
    ("chat", "messages", [{"role": "user", "content": {"text": "Hi?"}}]),
    ("chat", "tools", {"type": "function"}),
    ("chat", "tools", [None]),
    ("chat", "stream", "yes"),
    ("chat", "temperature", "hot"),
    ("chat", "max_tokens", -1),
    ("chat", "stop", 7),
    ("chat", "response_format", {"type": "xml"}),
    ("chat", "tool_choice", DEEP),
    ("messages", "max_tokens", "many"),
    ("messages", "messages", []),
    ("messages", "messages", [{"role": "robot", "content": "Hi?"}]),
    ("messages", "system", 7),
    ("messages", "thinking", []),
    ("messages", "tools", [{"name": ""}]),
    ("messages", "stream", 1),
    ("messages", "temperature", 9),
    ("messages", "stop_sequences", DEEP),
    ("responses", "input", 7),
    ("responses", "input", [{"type": "message"}]),
    ("responses", "input", DEEP),
    ("responses", "instructions", []),
    ("responses", "text", {"format": {"type": "xml"}}),
    ("responses", "reasoning", "much"),
    ("responses", "max_output_tokens", 0),
    ("responses", "tools", [[]]),
    ("responses", "stream", {}),
)


async def test_a_field_of_a_wrong_type_is_refused_by_its_name(bench: Bench) -> None:
    """A sample of tests/unit/test_wrong_types.py; no upstream hears of any."""
    before = len(bench.upstream.visits)
    for door, field, value in WRONG:
        one = await heard(bench.served.url, door, body_of(door, {field: value}))
        assert one.status == 400, (door, field, one.body)
        assert str(one.error["param"]).startswith(field)
        assert one.error["type"] == "invalid_request_error"
    assert len(bench.upstream.visits) == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("model", ["by-openai", "by-anthropic", "by-gemini"])
@pytest.mark.parametrize(
    "mark",
    [
        pytest.param("\\u0000", id="NUL"),
        pytest.param("\\ud83d\\ude00", id="a whole pair of surrogates"),
        pytest.param("\\u202e\\u001b[31m", id="signs that turn and colour text"),
    ],
)
async def test_any_text_reaches_the_model(bench: Bench, door: Door, model: str, mark: str) -> None:
    body = msgspec.json.encode(body_of(door, model=model)).replace(b"<case", mark.encode() + b"<case")
    one = await told(bench, door, body)
    assert (one.status, one.text) == (200, TEXT)
    sent = json.dumps(json.loads(f'"{mark}<case"'), ensure_ascii=False)[1:-1]
    assert sent in json.dumps(json.loads(bench.upstream.visits[-1].body), ensure_ascii=False)


@pytest.mark.parametrize("door", DOORS)
async def test_half_a_surrogate_pair_is_refused(bench: Bench, door: Door) -> None:
    body = msgspec.json.encode(body_of(door)).replace(b"<case", b"\\ud83d<case")
    one = await told(bench, door, body)
    assert (one.status, one.code) == (400, "server.body_invalid")


@pytest.mark.parametrize("door", DOORS)
async def test_fields_that_nobody_knows_are_no_reason_to_refuse(bench: Bench, door: Door) -> None:
    one = await heard(bench.served.url, door, body_of(door, {"unheard_of": {"a": [1, 2.50]}}))
    assert (one.status, one.text) == (200, TEXT)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([b"content-length: 1"], id="two lengths"),
        pytest.param([b"transfer-encoding: chunked"], id="a length and chunks"),
        pytest.param([b"content-length: -1"], id="a length below nothing"),
    ],
)
async def test_headers_that_contradict_each_other_are_no_http(
    bench: Bench, door: Door, headers: list[bytes]
) -> None:
    """It is refused before anybody knows which door was meant: in the shape of no dialect, and hung up on."""
    host, port = bench.served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = msgspec.json.encode(body_of(door))
    lines = (
        b"POST %b HTTP/1.1" % PATHS[door].encode(),
        b"content-length: %d" % len(body),
        *headers,
        b"",
        body,
    )
    writer.write(b"\r\n".join(lines))
    async with asyncio.timeout(10):
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    error = json.loads(answer)["error"]
    assert (error["code"], bool(error["hint"])) == ("server.no_http", True)


@pytest.mark.parametrize("door", DOORS)
async def test_a_clients_own_keys_stay_here(bench: Bench, door: Door) -> None:
    """Two of them, even; nobody needs one yet, and no upstream may ever see them."""
    keys = (b"authorization: Bearer mine", b"authorization: Bearer other", b"x-api-key: mine too")
    for model in ("by-openai", "by-anthropic", "by-gemini"):
        one = await told(bench, door, msgspec.json.encode(body_of(door, model=model)), *keys)
        assert (one.status, one.text) == (200, TEXT)
        head = bench.upstream.visits[-1].head
        assert "mine" not in head
        assert "sk-secret" in head


@pytest.mark.parametrize("door", DOORS)
async def test_a_body_that_stalls_is_not_waited_for(bench: Bench, door: Door) -> None:
    """Neither one with a length nor one in chunks; the connection is free again."""
    begun = await asyncio.gather(
        told(bench, door, b'{"model": "by-openai", ', length=1_000),
        told(bench, door, b'5\r\n{"mod\r\n', b"transfer-encoding: chunked", length=-1),
        told(bench, door, b'5\r\n{"m', b"transfer-encoding: chunked", length=-1),
    )
    assert [(one.status, one.code) for one in begun] == [(408, "server.body_timeout")] * 3


async def test_who_leaves_in_the_middle_of_a_body_leaves_nothing(bench: Bench) -> None:
    before = len(bench.upstream.visits)
    host, port = bench.served.url.removeprefix("http://").split(":")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
    await until(lambda: len(bench.upstream.visits) == before, 5, "nobody is asked")
