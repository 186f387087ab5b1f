"""Anthropic's Messages, read and written."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.types import Began, Cited, Ended, Text
from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Message
from buttress.kernel.usage import Usage
from buttress.server.doors.messages_wire import Writer, error_of, posed_of, read_request, usage_of
from buttress.server.errors import BodyInvalid, BodyTooLarge, FieldUnsupported, Stopping, status_of
from tests.unit.cli.test_printing import a_citation, an_answer

HI = b'{"role": "user", "content": "Hi?"}'


def body(messages: bytes = HI, more: bytes = b"") -> bytes:
    return b'{"model": "chat", "max_tokens": 9, "messages": [%b]%b}' % (messages, more)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(body(), (Message("user", "Hi?"),), id="a text"),
        pytest.param(
            body(b'{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}'),
            (Message("user", "ab"),),
            id="parts",
        ),
        pytest.param(
            body(more=b', "system": "Be kind."'),
            (Message("system", "Be kind."), Message("user", "Hi?")),
            id="a system text is the first message",
        ),
        pytest.param(
            body(more=b', "system": [{"type": "text", "text": "Be kind.", "cache_control": {}}]'),
            (Message("system", "Be kind."), Message("user", "Hi?")),
            id="a system text in parts",
        ),
        pytest.param(body(more=b', "system": ""'), (Message("user", "Hi?"),), id="an empty system text"),
    ],
)
def test_messages_are_read(sent: bytes, said: tuple[Message, ...]) -> None:
    assert posed_of(read_request(sent)).messages == said


@pytest.mark.parametrize(
    ("more", "who"),
    [
        pytest.param(b"", (None, None), id="nobody"),
        pytest.param(b', "metadata": {"user_id": null}', (None, None), id="nobody, said so"),
        pytest.param(b', "metadata": {"user_id": "ada"}, "conversation": "c1"', ("ada", "c1"), id="both"),
    ],
)
def test_who_asks_in_which_conversation(more: bytes, who: tuple[str | None, str | None]) -> None:
    posed = posed_of(read_request(body(more=more)))
    assert (posed.user, posed.conversation) == who


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (b', "tools": [{"name": "f"}]', "tools"),
        (b', "mcp_servers": [{"url": "x"}]', "mcp_servers"),
        (b', "output_config": {"format": {"type": "json_schema"}}', "output_config"),
    ],
)
def test_what_is_not_done_is_refused(more: bytes, field: str) -> None:
    with pytest.raises(FieldUnsupported) as raised:
        read_request(body(more=more))
    assert raised.value.data == {"param": field}


def test_fields_that_the_feature_decides_are_named() -> None:
    posed = posed_of(read_request(body(more=b', "top_k": 5, "thinking": {"type": "disabled"}')))
    assert posed.ignored == ("max_tokens", "top_k", "thinking")


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode)
)
def test_anything_is_a_request_or_refused(data: bytes) -> None:
    for given_ in (data, body(data), body(more=b', "system": ' + data), body(more=b', "metadata": ' + data)):
        with suppress(BodyInvalid, FieldUnsupported):
            posed_of(read_request(given_))


def test_the_events_of_a_stream() -> None:
    writer = Writer(read_request(body()))
    events = (Began(TraceId("tr_1")), Text("Hello."), Cited(a_citation(1)), Ended(an_answer(text="Hello.")))
    sent = [event.decode().split("\n") for one in events for event in writer.chunks(one)]
    said = [msgspec.json.decode(data.removeprefix("data: "), type=dict[str, object]) for _, data, *_ in sent]
    assert [one["type"] for one in said] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert [f"event: {one['type']}" for one in said] == [name for name, *_ in sent]
    assert msgspec.convert(said[0]["message"], dict[str, object])["id"] == "msg_tr_1"


def test_usage_is_told_in_disjoint_classes() -> None:
    used = Usage(input=1, cache_read=2, cache_write=4, output=8, reasoning=16)
    assert usage_of(used) == {
        "input_tokens": 1,
        "output_tokens": 24,
        "cache_creation_input_tokens": 4,
        "cache_read_input_tokens": 2,
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BodyInvalid("no"), "invalid_request_error"),
        (BodyTooLarge("too much"), "request_too_large"),
        (Stopping("it stops"), "overloaded_error"),
    ],
)
def test_an_error_has_a_kind_a_code_and_a_hint(error: BodyInvalid | Stopping, kind: str) -> None:
    said = msgspec.convert(error_of(error, status_of(error))["error"], dict[str, object])
    assert (said["type"], said["code"], said["hint"]) == (kind, error.code, error.hint)


def test_a_broken_stream_ends_with_an_error() -> None:
    sent = Writer(read_request(body())).broken(Stopping("it stops"))
    assert sent.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')
