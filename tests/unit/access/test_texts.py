"""`access.texts`: keys as people hold them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.texts import digest_of, is_whole, key_id_of, new_text, with_new_secret

SECRET = b"a secret of the server, long enough"


def test_a_new_key_is_whole_and_says_its_id() -> None:
    text = new_text()
    assert re.fullmatch(r"bk_[0-9a-z]{12}_[0-9A-Za-z]{38}", text)
    assert key_id_of(text) == text.split("_")[1]
    assert is_whole(text)


def test_no_two_are_alike() -> None:
    assert len({new_text() for _ in range(100)}) == 100
    first = new_text()
    other = with_new_secret(key_id_of(first) or "")
    assert (key_id_of(other), other == first) == (key_id_of(first), False)


@given(place=st.integers(16, 53), character=st.sampled_from("abcXYZ019"))
def test_a_mistyped_character_is_noticed(place: int, character: str) -> None:
    text = with_new_secret("0123456789ab")
    wrong = text[:place] + character + text[place + 1 :]
    assert is_whole(wrong) == (wrong == text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("sk-proj-0123", id="the key of somebody else"),
        pytest.param(new_text()[:-1], id="cut"),
        pytest.param(new_text() + " ", id="with a blank"),
        pytest.param(new_text() + "\n", id="with a line break"),
        pytest.param("bk_ÄÖÜ", id="letters that no key has"),
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert key_id_of(text) is None
    assert not is_whole(text)


def test_a_digest_depends_on_the_key_and_on_the_secret() -> None:
    text = new_text()
    found = digest_of(text, SECRET)
    assert found == digest_of(text, SECRET)
    assert len(found) == 64
    assert found not in {digest_of(text, b"another"), digest_of(new_text(), SECRET)}
    assert text.split("_")[2] not in found
