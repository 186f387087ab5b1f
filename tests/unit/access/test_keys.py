"""`access.keys`: what a key stands for, and when it is over."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.errors import KeyOver, TermsInvalid
from buttress.access.keys import principal_of, require_active, require_sense, revoked, rotated, state_of
from buttress.access.types import Key
from buttress.kernel.principal import Principal
from tests.unit.access.keyring import NOON, another, new_key, terms

HOUR = timedelta(hours=1)
hours = st.floats(0, 1_000).map(lambda number: timedelta(hours=number))


def test_a_key_without_terms_is_a_program_that_asks_what_it_likes() -> None:
    _, key = new_key()
    assert principal_of(key) == Principal(key=key.key_id, role="viewer")


def test_a_key_stands_for_what_it_was_made_for() -> None:
    _, key = new_key(
        tenants=["acme", "globex"],
        user="ada",
        groups=["staff"],
        features=["support"],
        models=[],
        role="reviewer",
        tags={"team": "growth"},
    )
    assert principal_of(key) == Principal(
        key=key.key_id,
        tenant="acme",
        tenants=frozenset({"acme", "globex"}),
        user="ada",
        groups=("staff",),
        features=frozenset({"support"}),
        models=frozenset(),
        role="reviewer",
        tags={"team": "growth"},
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"tenants": []}, "tenants", id="no tenant at all"),
        pytest.param({"features": [], "models": []}, "features, models", id="nothing may be asked"),
        pytest.param({"role": "admin", "tenants": ["acme"]}, "tenants", id="an admin of one tenant"),
        pytest.param({"role": "admin", "models": ["m"]}, "models", id="an admin of one model"),
    ],
)
def test_terms_that_nobody_can_keep_are_refused(given: dict[str, object], named: str) -> None:
    with pytest.raises(TermsInvalid, match=named):
        require_sense(terms(**given))


def test_a_key_that_is_over_before_it_begins_is_refused() -> None:
    with pytest.raises(TermsInvalid, match="over already"):
        new_key(NOON)


def test_when_a_key_is_over_is_told_in_one_time_zone() -> None:
    east = timezone(2 * HOUR)
    _, key = new_key(expires_at=(NOON + HOUR).astimezone(east))
    assert key.expires_at is not None
    assert (key.expires_at, key.expires_at.tzinfo) == (NOON + HOUR, UTC)
    with pytest.raises(TermsInvalid):
        new_key(expires_at=datetime(9999, 12, 31, 23, tzinfo=timezone(-2 * HOUR)))


@given(life=hours, later=hours)
def test_a_key_is_good_until_it_expires_and_never_after(life: timedelta, later: timedelta) -> None:
    _, key = new_key(NOON + life + HOUR)
    is_good = later < life + HOUR
    assert (state_of(key, NOON + later) == "active") == is_good
    assert is_usable(key, 0, NOON + later) == is_good


def test_a_revoked_key_stays_as_it_was_revoked_first() -> None:
    _, key = new_key()
    once = revoked(key, NOON + HOUR)
    assert state_of(once, NOON) == "revoked"
    assert revoked(once, NOON + 2 * HOUR) == once
    with pytest.raises(KeyOver, match=key.key_id):
        require_active(once, once.secrets[0], NOON)


@given(grace=hours, later=hours)
def test_after_a_rotation_the_old_secret_is_good_for_its_grace(grace: timedelta, later: timedelta) -> None:
    _, key = new_key()
    _, newer = another(key, NOON + HOUR)
    both = rotated(key, newer, grace)
    assert (len(both.secrets), both.secrets[1]) == (2, newer)
    assert is_usable(both, 1, NOON + HOUR + later)
    assert is_usable(both, 0, NOON + HOUR + later) == (later < grace)


def test_a_second_rotation_leaves_two_secrets_and_prolongs_none() -> None:
    _, key = new_key()
    once = rotated(key, another(key, NOON)[1], HOUR)
    twice = rotated(once, another(key, NOON)[1], 5 * HOUR)
    assert (len(twice.secrets), key.secrets[0] in twice.secrets) == (2, False)
    assert not is_usable(twice, 0, NOON + 5 * HOUR)


def test_a_key_that_is_over_is_not_rotated() -> None:
    _, key = new_key(NOON + HOUR)
    for over in (revoked(key, NOON), key):
        with pytest.raises(KeyOver):
            rotated(over, another(key, NOON + 2 * HOUR)[1], HOUR)


def is_usable(key: Key, secret: int, moment: datetime) -> bool:
    try:
        require_active(key, key.secrets[secret], moment)
    except KeyOver:
        return False
    return True
