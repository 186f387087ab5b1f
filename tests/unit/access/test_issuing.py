"""`access.issuing`: keys made, rotated and revoked, in a real PostgreSQL."""

from datetime import timedelta

import msgspec
import pytest

from buttress.access.errors import KeyOver, NoSuchKey, TermsInvalid
from buttress.access.issuing import Wanted, issue, revoke, rotate, shown
from buttress.access.ring import Ring
from buttress.access.store import KeyStore
from buttress.storage.database import Database
from tests.unit.access.keyring import NOON, SECRET

HOUR = timedelta(hours=1)


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


async def ring(store: KeyStore) -> Ring:
    made = Ring()
    made.adopt(await store.all(), SECRET)
    return made


async def test_a_key_lives_is_rotated_and_revoked(store: KeyStore) -> None:
    issued = await issue(store, Wanted(name="app", user="ada"), SECRET, NOON)
    assert (await ring(store)).verify(issued.text, NOON).user == "ada"
    newer = await rotate(store, issued.key.key_id, HOUR, SECRET, NOON)
    assert newer.key.key_id == issued.key.key_id
    for text in (issued.text, newer.text):
        assert (await ring(store)).verify(text, NOON).user == "ada"
    with pytest.raises(KeyOver):
        (await ring(store)).verify(issued.text, NOON + HOUR)
    await revoke(store, issued.key.key_id, NOON)
    with pytest.raises(KeyOver):
        (await ring(store)).verify(newer.text, NOON)
    with pytest.raises(KeyOver):
        await rotate(store, issued.key.key_id, HOUR, SECRET, NOON)


async def test_what_cannot_be_is_not_stored(store: KeyStore) -> None:
    before = await store.all()
    with pytest.raises(TermsInvalid):
        await issue(store, Wanted(name="app", tenants=()), SECRET, NOON)
    for work in (rotate(store, "nothing", HOUR, SECRET, NOON), revoke(store, "nothing", NOON)):
        with pytest.raises(NoSuchKey):
            await work
    assert await store.all() == before


async def test_what_is_shown_holds_no_secret(store: KeyStore) -> None:
    issued = await issue(store, Wanted(name="app"), SECRET, NOON)
    told = msgspec.json.encode(shown(issued.key, NOON)).decode()
    assert issued.text not in told
    assert issued.key.secrets[0].digest not in told
    assert (
        msgspec.json.decode(msgspec.json.encode(shown(issued.key, NOON, issued.text)))["key"] == issued.text
    )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "a\nb"}, id="a name of two lines"),
        pytest.param({"name": "app", "role": "emperor"}, id="a role that there is not"),
        pytest.param({"name": "app", "tenant": "acme"}, id="a misspelt field"),
        pytest.param({"name": "app", "user": "a\0"}, id="NUL"),
        pytest.param({"name": "app", "expires_at": "2030-01-01T00:00:00"}, id="a moment without a zone"),
    ],
)
def test_what_can_be_wanted(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Wanted)
