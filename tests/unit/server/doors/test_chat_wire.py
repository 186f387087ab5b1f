"""OpenAI's chat completions, read and written."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.types import Began, Ended, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Message
from buttress.kernel.usage import Usage
from buttress.server.doors.chat_wire import (
    Writer,
    posed_of,
    read_request,
    usage_of,
)
from buttress.server.errors import BodyInvalid, FieldUnsupported, Stopping
from tests.unit.cli.test_printing import an_answer

HI = b'{"role": "user", "content": "Hi?"}'


def body(messages: bytes = HI, more: bytes = b"") -> bytes:
    return b'{"model": "chat", "messages": [%b]%b}' % (messages, more)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param(HI, (Message("user", "Hi?"),), id="a text"),
        pytest.param(b'{"role": "user", "content": null}', (Message("user", ""),), id="nothing"),
        pytest.param(
            b'{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}',
            (Message("user", "ab"),),
            id="parts",
        ),
        pytest.param(
            b'{"role": "developer", "content": "Be kind."}', (Message("system", "Be kind."),), id="developer"
        ),
        pytest.param(
            b'{"role": "user", "name": "ada", "content": "Hi?", "new": {}}',
            (Message("user", "Hi?"),),
            id="fields we do not know",
        ),
    ],
)
def test_messages_are_read(messages: bytes, said: tuple[Message, ...]) -> None:
    assert posed_of(read_request(body(messages))).messages == said


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b', "n": 1',
        b', "n": null, "tools": null, "stream": null',
        b', "response_format": {"type": "text"}',
    ],
)
def test_what_asks_for_nothing_else_is_taken(more: bytes) -> None:
    assert read_request(body(more=more)).model == "chat"


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode)
)
def test_anything_is_a_request_or_refused(data: bytes) -> None:
    for given_ in (data, body(data), body(more=b', "stream_options": ' + data)):
        with suppress(BodyInvalid, FieldUnsupported):
            posed_of(read_request(given_))


def test_fields_that_the_feature_decides_are_named() -> None:
    request = read_request(body(more=b', "temperature": 1, "user": "ada", "max_tokens": null'))
    assert posed_of(request).ignored == ("temperature", "max_tokens")


def test_the_chunks_of_a_stream() -> None:
    writer = Writer(read_request(body(more=b', "stream_options": {"include_usage": true}')), created=7)
    events = (Began(TraceId("tr_1")), Text("Hello."), Ended(an_answer(text="Hello.")))
    chunks = [chunk for event in events for chunk in writer.chunks(event)]
    assert chunks[-1] == b"data: [DONE]\n\n"
    said = [msgspec.json.decode(chunk.removeprefix(b"data: ")) for chunk in chunks[:-1]]
    assert {(one["id"], one["created"], one["model"], one["object"]) for one in said} == {
        ("chatcmpl-tr_1", 7, "chat", "chat.completion.chunk")
    }
    assert [one["choices"][0]["delta"] for one in said[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "Hello."},
        {},
    ]
    assert [one["usage"] for one in said[:-1]] == [None] * 3
    assert (said[-1]["choices"], said[-1]["usage"]["total_tokens"]) == ([], 1_234)


def test_a_broken_stream_ends_with_an_error() -> None:
    said = msgspec.json.decode(broken(Stopping("it stops")).removeprefix(b"data: "))
    assert (said["error"]["code"], said["error"]["type"]) == (Stopping.code, "server_error")


def broken(error: ButtressError) -> bytes:
    """Return what ends a stream for `error`."""
    return Writer(read_request(body()), created=7).broken(error)


@given(
    st.builds(Usage, input=st.integers(0, 99), cache_read=st.integers(0, 99), reasoning=st.integers(0, 99))
)
def test_usage_adds_up(usage: Usage) -> None:
    told = usage_of(usage)
    assert told["total_tokens"] == usage.total


@pytest.mark.parametrize(
    ("more", "who"),
    [
        pytest.param(b"", (None, None), id="nobody"),
        pytest.param(b', "user": null, "conversation": null', (None, None), id="nobody, said so"),
        pytest.param(b', "user": ""', (None, None), id="an empty user, as clients send it, is nobody"),
        pytest.param(b', "user": "None"', ("None", None), id="somebody who is called None"),
        pytest.param(b', "user": "ada", "conversation": "c1"', ("ada", "c1"), id="both"),
    ],
)
def test_who_asks_in_which_conversation(more: bytes, who: tuple[str | None, str | None]) -> None:
    posed = posed_of(read_request(body(more=more)))
    assert (posed.user, posed.conversation) == who


@pytest.mark.parametrize(
    "more",
    [
        b', "conversation": ""',
        b', "conversation": 7',
        b', "conversation": {"id": "c1"}',
        b', "user": "a\\u0000"',
        b', "user": "%b"' % (b"x" * 201),
    ],
)
def test_who_cannot_be(more: bytes) -> None:
    with pytest.raises(BodyInvalid):
        read_request(body(more=more))


def test_every_error_has_the_four_keys() -> None:
    assert issubclass(Stopping, ButtressError)
    said = msgspec.json.decode(broken(BodyInvalid("no")).removeprefix(b"data: "))
    assert {"message", "type", "param", "code"} <= set(said["error"])
