"""`access.ring`: who a key is, from memory."""

from datetime import timedelta

import pytest

from buttress.access.errors import KeyOver, KeyUnknown
from buttress.access.keys import principal_of, revoked, rotated
from buttress.access.ring import Ring
from buttress.access.texts import new_text, with_new_secret
from buttress.access.types import Key
from buttress.kernel.errors import ButtressError
from buttress.storage.errors import StorageUnavailable
from tests.unit.access.keyring import NOON, SECRET, another, new_key

HOUR = timedelta(hours=1)


def ring(*keys: Key) -> Ring:
    made = Ring()
    made.adopt(keys, SECRET)
    return made


def test_a_key_is_whom_it_stands_for() -> None:
    (text, key), (other_text, other) = new_key(user="ada"), new_key(user="ben")
    known = ring(key, other)
    assert known.verify(text, NOON) == principal_of(key)
    assert known.verify(other_text, NOON) == principal_of(other)


def test_nothing_is_known_before_keys_were_read() -> None:
    text, key = new_key()
    fresh = Ring()
    with pytest.raises(StorageUnavailable):
        fresh.verify(text, NOON)
    assert (fresh.is_read, fresh.has_keys) == (False, False)
    fresh.adopt([key], SECRET)
    assert fresh.verify(text, NOON).key
    assert (fresh.is_read, fresh.has_keys) == (True, True)


def test_what_is_no_key_of_ours_is_refused_and_not_repeated() -> None:
    text, key = new_key()
    known = ring(key)
    mistyped = text[:-1] + ("a" if text[-1] != "a" else "b")
    for wrong in ("sk-somebody", "", mistyped, new_text(), with_new_secret(key.key_id), "bk_Ä\x00"):
        with pytest.raises(KeyUnknown) as raised:
            known.verify(wrong, NOON)
        said = str(raised.value.as_dict())
        assert wrong == "" or wrong not in said
        assert key.key_id not in said


def test_a_key_hashed_with_another_secret_is_unknown() -> None:
    text, key = new_key()
    for secret in (b"another secret, of another machine", None):
        elsewhere = Ring()
        elsewhere.adopt([key], secret)
        with pytest.raises(KeyUnknown):
            elsewhere.verify(text, NOON)


def test_what_is_over_is_refused_and_says_since_when() -> None:
    (old_text, old), (text, key) = new_key(NOON + HOUR), new_key()
    known = ring(old, revoked(key, NOON))
    assert known.verify(old_text, NOON).key
    for over, moment in ((old_text, NOON + HOUR), (text, NOON)):
        with pytest.raises(KeyOver) as raised:
            known.verify(over, moment)
        assert over not in str(raised.value.as_dict())
    assert known.has_keys


def test_both_secrets_of_a_rotated_key_are_the_same_principal_until_the_grace_is_over() -> None:
    text, key = new_key()
    newer_text, newer = another(key, NOON)
    known = ring(rotated(key, newer, HOUR))
    assert known.verify(text, NOON) == known.verify(newer_text, NOON)
    with pytest.raises(KeyOver, match="replaced"):
        known.verify(text, NOON + HOUR)
    assert known.verify(newer_text, NOON + HOUR).key


def test_a_key_that_is_gone_stops_at_once() -> None:
    text, key = new_key()
    known = ring(key)
    known.adopt([], SECRET)
    with pytest.raises(KeyUnknown):
        known.verify(text, NOON)


def test_it_is_known_when_each_key_was_last_used() -> None:
    (text, key), (other_text, other) = new_key(), new_key(NOON + HOUR)
    known = ring(key, other)
    known.verify(text, NOON)
    known.verify(text, NOON + HOUR)
    with pytest.raises(ButtressError):
        known.verify(other_text, NOON + HOUR)
    assert known.take_used() == {key.key_id: NOON + HOUR}
    assert known.take_used() == {}
