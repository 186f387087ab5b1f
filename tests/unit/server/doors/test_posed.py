"""A request in each dialect as a feature is asked it: one table for all of them."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message
from buttress.models.errors import StateUnsupported
from buttress.releases.chat import Turn
from buttress.releases.types import Chat, FallbackText, Release
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client, read_asked
from buttress.server.doors.posed import MAX_MESSAGES, Name, Nobody, Posed, posed_of, turn_for
from buttress.server.errors import BodyInvalid, FieldUnsupported, SystemMessage

Fields = Mapping[str, object]
HI = {"role": "user", "content": "Hi?"}
QUESTION = (Message("user", "Hi?"),)
CLIENTS = {"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES}
TOOL = {"name": "f", "parameters": {}}
PICTURE = "data:image/png;base64,"
SCHEMA = {"type": "json_schema", "schema": {}, "name": "s"}


def posed(client: Client, fields: Fields | bytes) -> Posed:
    """Return what a request with `fields` asks; those that it cannot do without are put in."""
    if isinstance(fields, bytes):
        return posed_of(client, read_asked(client, fields))
    said = {"model": "f", client.turns: "Hi?" if client is RESPONSES else [HI], **fields}
    return posed_of(client, read_asked(client, msgspec.json.encode(said)))


@pytest.mark.parametrize(
    ("client", "fields", "said"),
    [
        *(pytest.param(client, {}, QUESTION, id=f"a text, {name}") for name, client in CLIENTS.items()),
        pytest.param(
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": one} for one in "ab"]}]},
            (Message("user", "a\n\nb"),),
            id="parts, chat",
        ),
        pytest.param(
            MESSAGES,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": one} for one in "ab"]}]},
            (Message("user", "a\n\nb"),),
            id="parts, messages",
        ),
        pytest.param(
            RESPONSES,
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}]}]},
            (Message("user", "a"),),
            id="parts, responses",
        ),
        pytest.param(
            CHAT,
            {"messages": [{"role": "developer", "content": "Be kind."}, HI]},
            (Message("system", "Be kind."), *QUESTION),
            id="a developer is the system",
        ),
        pytest.param(
            MESSAGES,
            {"system": [{"type": "text", "text": "Be kind.", "cache_control": {}}]},
            (Message("system", "Be kind."), *QUESTION),
            id="a system text is the first message",
        ),
        pytest.param(
            RESPONSES,
            {"instructions": "Be kind."},
            (Message("system", "Be kind."), *QUESTION),
            id="instructions are the first message",
        ),
        pytest.param(MESSAGES, {"system": ""}, QUESTION, id="an empty system text is none"),
        pytest.param(
            CHAT,
            {"messages": [{"role": "assistant", "content": "A.", "reasoning_content": "Hm."}, HI]},
            (Message("assistant", "A."), *QUESTION),
            id="what a model thought is left out",
        ),
        pytest.param(CHAT, {"messages": [{**HI, "name": "ada", "new": {}}]}, QUESTION, id="unknown fields"),
        pytest.param(CHAT, {"n": 1, "tools": None, "stream": None}, QUESTION, id="what asks for nothing"),
        pytest.param(CHAT, {"response_format": {"type": "text"}}, QUESTION, id="text, chat"),
        pytest.param(RESPONSES, {"text": {"format": {"type": "text"}}}, QUESTION, id="text, responses"),
        pytest.param(RESPONSES, {"store": False, "truncation": "auto"}, QUESTION, id="nothing is kept"),
    ],
)
def test_what_was_said_is_read(client: Client, fields: Fields, said: tuple[Message, ...]) -> None:
    assert posed(client, fields).messages == said


@pytest.mark.parametrize(
    ("client", "fields", "field"),
    [
        pytest.param(CHAT, {"n": 2}, "n", id="two answers"),
        pytest.param(CHAT, {"logprobs": True}, "logprobs", id="log probabilities"),
        pytest.param(CHAT, {"tools": [{"type": "function", "function": TOOL}]}, "tools", id="tools, chat"),
        pytest.param(CHAT, {"functions": [TOOL]}, "functions", id="tools of the old style"),
        pytest.param(CHAT, {"modalities": ["audio"]}, "modalities", id="audio"),
        pytest.param(CHAT, {"web_search_options": {}}, "web_search_options", id="a search"),
        pytest.param(CHAT, {"response_format": {"type": "json_object"}}, "response_format", id="JSON, chat"),
        pytest.param(
            CHAT,
            {"messages": [HI, {**HI, "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]},
            "messages[1].content",
            id="a picture, chat",
        ),
        pytest.param(
            CHAT,
            {"messages": [{"role": "tool", "content": "42", "tool_call_id": "1"}]},
            "messages[0].content",
            id="a result of a tool, chat",
        ),
        pytest.param(
            CHAT,
            {"messages": [{**HI, "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0]",
            id="a file",
        ),
        pytest.param(MESSAGES, {"tools": [{"name": "f", "input_schema": {}}]}, "tools", id="tools, messages"),
        pytest.param(
            MESSAGES,
            {"tools": [{"type": "web_search_1", "name": "s"}]},
            "tools[0].type",
            id="a server's tool",
        ),
        pytest.param(MESSAGES, {"mcp_servers": [{"url": "x"}]}, "mcp_servers", id="servers of tools"),
        pytest.param(MESSAGES, {"output_config": {"format": SCHEMA}}, "output_config", id="JSON, messages"),
        pytest.param(MESSAGES, {"output_format": SCHEMA}, "output_format", id="JSON, messages of old"),
        pytest.param(
            MESSAGES,
            {"messages": [{**HI, "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]}]},
            "messages",
            id="a picture, messages",
        ),
        pytest.param(RESPONSES, {"tools": [{"type": "function", **TOOL}]}, "tools", id="tools, responses"),
        pytest.param(RESPONSES, {"tools": [{"type": "web_search"}]}, "tools[0].type", id="OpenAI's tool"),
        pytest.param(RESPONSES, {"text": {"format": SCHEMA}}, "text", id="JSON, responses"),
        pytest.param(
            RESPONSES,
            {"input": [{**HI, "content": [{"type": "input_image", "image_url": PICTURE}]}]},
            "input",
            id="a picture, responses",
        ),
    ],
)
def test_what_is_not_done_is_refused_by_name(client: Client, fields: Fields, field: str) -> None:
    with pytest.raises(FieldUnsupported, match="is not done for a feature") as raised:
        posed(client, fields)
    assert raised.value.data == {"param": field}


@pytest.mark.parametrize(
    ("client", "fields", "field"),
    [
        pytest.param(CHAT, {"messages": [{**HI, "role": "bard"}]}, "messages[0].role", id="a role, chat"),
        pytest.param(RESPONSES, {"input": [{**HI, "role": "bard"}]}, "input[0].role", id="a role, responses"),
        pytest.param(CHAT, {"messages": []}, "messages", id="no messages, chat"),
        pytest.param(MESSAGES, {"messages": []}, "messages", id="no messages, messages"),
        pytest.param(RESPONSES, {"input": []}, "input", id="no messages, responses"),
        *(
            pytest.param(client, {client.turns: [HI] * 10_000}, client.turns, id=f"10,000 messages, {name}")
            for name, client in CLIENTS.items()
        ),
        pytest.param(CHAT, {"user": 7}, "user", id="a number for a user"),
        pytest.param(MESSAGES, {"metadata": {"user_id": 7}}, "metadata.user_id", id="a number for an id"),
        pytest.param(RESPONSES, {"user": 7}, "user", id="a number for a user, responses"),
    ],
)
def test_what_is_no_request_is_refused_by_name(client: Client, fields: Fields, field: str) -> None:
    with pytest.raises(BodyInvalid) as raised:
        posed(client, fields)
    assert raised.value.data == {"param": field}


def test_as_many_messages_as_are_taken_are_read() -> None:
    assert len(posed(MESSAGES, {"messages": [HI] * MAX_MESSAGES}).messages) == MAX_MESSAGES
    with pytest.raises(BodyInvalid, match="2,001 messages; 1 to 2,000 are taken"):
        posed(MESSAGES, {"messages": [HI] * (MAX_MESSAGES + 1)})


@pytest.mark.parametrize("field", ["store", "previous_response_id", "background", "prompt"])
def test_what_would_have_to_be_kept_is_refused_with_a_hint(field: str) -> None:
    with pytest.raises(StateUnsupported, match=field) as raised:
        posed(RESPONSES, {field: True})
    assert "or name it by `conversation`" in raised.value.hint


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"model": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_refused_with_a_hint(client: Client, body: bytes) -> None:
    with pytest.raises(BodyInvalid) as raised:
        posed(client, body)
    assert client.turns in raised.value.hint


@given(
    client=st.sampled_from(list(CLIENTS.values())),
    data=st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=10).map(msgspec.json.encode),
    field=st.sampled_from(["messages", "input", "system", "metadata", "user", "text", "tools", "n"]),
)
def test_anything_is_a_request_or_refused(client: Client, data: bytes, field: str) -> None:
    turns = b'"messages": [{"role": "user", "content": "Hi?"}], "input": "Hi?"'
    for sent in (data, b'{"model": "f", %b, "%b": %b}' % (turns, field.encode(), data)):
        with suppress(BodyInvalid, FieldUnsupported):
            posed(client, sent)


@pytest.mark.parametrize(
    ("client", "fields", "ignored"),
    [
        pytest.param(
            CHAT, {"temperature": 9, "max_tokens": None, "n": 1}, ("temperature", "max_tokens"), id="chat"
        ),
        pytest.param(
            MESSAGES,
            {"max_tokens": 0, "thinking": 7, "top_k": 5},
            ("max_tokens", "thinking", "top_k"),
            id="messages",
        ),
        pytest.param(
            RESPONSES,
            {"reasoning": {"effort": "low"}, "temperature": 1},
            ("reasoning", "temperature"),
            id="responses",
        ),
        pytest.param(CHAT, {"service_tier": "flex", "üben": 1}, ("service_tier", "?ben"), id="hints"),
        pytest.param(CHAT, {"user": "ada", "conversation": "c", "tools": []}, (), id="who asks is heeded"),
        pytest.param(MESSAGES, {"metadata": {"user_id": "ada"}}, (), id="who asks is heeded, messages"),
    ],
)
def test_what_the_feature_decides_is_named(client: Client, fields: Fields, ignored: tuple[str, ...]) -> None:
    asked = posed(client, fields)
    assert asked.ignored == ignored
    assert not asked.body.fields.keys() & set(ignored) - {"service_tier", "top_k"}


@pytest.mark.parametrize(
    ("client", "fields", "who"),
    [
        pytest.param(CHAT, {}, (None, None), id="nobody"),
        pytest.param(CHAT, {"user": None, "conversation": None}, (None, None), id="nobody, said so"),
        pytest.param(CHAT, {"user": ""}, (None, None), id="an empty user, as clients send it, is nobody"),
        pytest.param(CHAT, {"user": "None"}, ("None", None), id="somebody who is called None"),
        pytest.param(CHAT, {"user": "ada", "conversation": "c1"}, ("ada", "c1"), id="both"),
        pytest.param(CHAT, {"safety_identifier": "ada"}, ("ada", None), id="by the newer field"),
        pytest.param(
            CHAT, {"safety_identifier": "hash", "user": "ada"}, ("ada", None), id="by both, the user counts"
        ),
        pytest.param(CHAT, {"metadata": {"user_id": "ada"}}, (None, None), id="a client's own notes"),
        pytest.param(MESSAGES, {"metadata": {"user_id": None}}, (None, None), id="nobody, messages"),
        pytest.param(
            MESSAGES, {"metadata": {"user_id": "ada"}, "conversation": "c1"}, ("ada", "c1"), id="messages"
        ),
        pytest.param(RESPONSES, {"safety_identifier": "ada"}, ("ada", None), id="responses"),
        pytest.param(RESPONSES, {"conversation": "c1"}, (None, "c1"), id="a conversation, responses"),
        pytest.param(RESPONSES, {"conversation": {"id": "c1"}}, (None, "c1"), id="as an object"),
    ],
)
def test_who_asks_in_which_conversation(
    client: Client, fields: Fields, who: tuple[str | None, str | None]
) -> None:
    asked = posed(client, fields)
    assert (asked.user, asked.conversation) == who


@pytest.mark.parametrize(
    "fields",
    [
        {"conversation": ""},
        {"conversation": 7},
        {"conversation": {"id": ""}},
        {"user": "a\0"},
        {"user": "x" * 201},
    ],
)
def test_who_cannot_be(fields: Fields) -> None:
    with pytest.raises(BodyInvalid) as raised:
        posed(CHAT, fields)
    assert "200" in raised.value.hint


@given(st.text(max_size=210))
def test_a_name_is_of_one_line_and_nobody_may_be_empty(text: str) -> None:
    is_clean = len(text) <= 200 and not any(one < " " or one == "\x7f" for one in text)
    assert _is(text, Nobody) == is_clean
    assert _is(text, Name) == (is_clean and bool(text))


def _is(text: str, kind: object) -> bool:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True


def a_release(chat: Chat | None) -> Release:
    return Release(
        feature="f", description="", input_schema={}, stages=(), fallback=FallbackText("No."), chat=chat
    )


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_the_last_turn_is_the_question(client: Client) -> None:
    turns = [HI, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And?"}]
    turn = turn_for(a_release(Chat(question="asked")), client, posed(client, {client.turns: turns}))
    assert turn == Turn({"asked": "And?"}, (*QUESTION, Message("assistant", "Yes.")))


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize(
    ("chat", "turns", "error"),
    [
        pytest.param(None, [HI], FieldUnsupported, id="a feature of more than a question"),
        pytest.param(
            Chat(question="q"), [{"role": "system", "content": "x"}, HI], SystemMessage, id="a system"
        ),
        pytest.param(
            Chat(question="q"), [HI, {"role": "assistant", "content": "x"}], BodyInvalid, id="no question"
        ),
    ],
)
def test_what_is_no_turn_is_refused(
    client: Client, chat: Chat | None, turns: list[dict[str, str]], error: type[ButtressError]
) -> None:
    asked = posed(client, {client.turns: turns})
    with pytest.raises(error) as raised:
        turn_for(a_release(chat), client, asked)
    assert raised.value.data == {"param": client.turns}
