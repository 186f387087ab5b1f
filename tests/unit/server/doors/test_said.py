"""What OpenAI's and Anthropic's chat formats have in common."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Message, Role
from buttress.server.doors.said import (
    MAX_MESSAGES,
    Name,
    Nobody,
    Part,
    Said,
    decoded,
    messages_of,
    refuse_asked,
    text_of,
)
from buttress.server.errors import BodyInvalid, FieldUnsupported

ROLES: dict[str, Role] = {"user": "user", "developer": "system"}


def test_messages_are_read_by_the_roles_of_a_format() -> None:
    said = [Said("developer", "Be kind."), Said("user", [Part("text", "a"), Part("text", "b")])]
    assert messages_of(said, ROLES) == (Message("system", "Be kind."), Message("user", "ab"))


@pytest.mark.parametrize("count", [0, MAX_MESSAGES + 1, 10_000])
def test_messages_have_a_number(count: int) -> None:
    with pytest.raises(BodyInvalid, match=f"^{count:,} messages; 1 to 2,000 are taken") as raised:
        messages_of([Said("user", "Hi")] * count, ROLES)
    assert raised.value.data == {"param": "messages"}


def test_as_many_as_are_taken_are_read() -> None:
    assert len(messages_of([Said("user", "Hi")] * MAX_MESSAGES, ROLES)) == MAX_MESSAGES


def test_a_role_that_there_is_not_is_told_with_those_there_are() -> None:
    with pytest.raises(BodyInvalid) as raised:
        messages_of([Said("user", "Hi"), Said("tool" * 100)], ROLES)
    assert raised.value.data == {"param": "messages[1].role"}
    assert len(raised.value.message) < 100
    assert raised.value.hint == "There are: user, developer."


@pytest.mark.parametrize("part", [Part("image"), Part("text"), Part("", "a")])
def test_a_part_that_is_no_text_is_refused(part: Part) -> None:
    with pytest.raises(FieldUnsupported) as raised:
        text_of("system", [Part("text", "a"), part])
    assert raised.value.data == {"param": "system"}


@given(st.lists(st.text()))
def test_no_text_is_lost(texts: list[str]) -> None:
    assert text_of("system", [Part("text", one) for one in texts]) == "".join(texts)
    assert text_of("system", None) == ""


def test_the_first_field_that_is_asked_for_is_named() -> None:
    refuse_asked({"n": False})
    with pytest.raises(FieldUnsupported, match="`tools`"):
        refuse_asked({"n": False, "tools": True, "logprobs": True})


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


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"type": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_request_is_refused_with_a_hint(body: bytes) -> None:
    with pytest.raises(BodyInvalid, match=r"\w") as raised:
        decoded(body, Part)
    assert "messages" in raised.value.hint
