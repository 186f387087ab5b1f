"""The keys in a real PostgreSQL."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import msgspec
import pytest

from buttress.access.errors import KeyOver, NoSuchKey
from buttress.access.keys import revoked, rotated
from buttress.access.store import CHANNEL, KeyStore
from buttress.access.types import Key, Secret
from buttress.storage.database import Database
from tests.unit.access.keyring import NOON, another, new_key

HOUR = timedelta(hours=1)


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


async def test_a_key_comes_back_as_it_was_stored_and_without_its_text(
    store: KeyStore, database: Database
) -> None:
    text, key = new_key(NOON + HOUR, tenants=["acme"], user="Ädä", tags={"team": "growth"}, models=[])
    await store.add(key)
    assert await store.get(key.key_id) == key
    assert key in await store.all()
    async with database.connection() as connection:
        row = await (
            await connection.execute("select keys::text from keys where key_id = %s", (key.key_id,))
        ).fetchone()
    assert text.split("_")[2] not in str(row)


@pytest.mark.parametrize("key_id", ["nothing00000", "", "\0", "'; drop table keys; --"])
async def test_a_key_that_there_is_not(store: KeyStore, key_id: str) -> None:
    with pytest.raises(NoSuchKey):
        await store.get(key_id)
    with pytest.raises(NoSuchKey):
        await store.change(key_id, lambda key: key)


async def test_who_listens_hears_of_every_change(store: KeyStore, database: Database) -> None:
    _, key = new_key()
    async with asyncio.timeout(20), aclosing(database.listen([CHANNEL])) as notices:
        assert (await anext(notices)).missed
        await store.add(key)
        assert (await anext(notices)).channel == CHANNEL
        await store.change(key.key_id, lambda one: revoked(one, NOON))
        assert (await anext(notices)).channel == CHANNEL


async def test_two_rotations_at_once_leave_the_two_newest_secrets(store: KeyStore) -> None:
    _, key = new_key()
    await store.add(key)
    newer = [another(key, NOON)[1] for _ in range(8)]

    async def rotate(made: Secret) -> None:
        await store.change(key.key_id, lambda one: rotated(one, made, HOUR))

    await asyncio.gather(*(rotate(made) for made in newer))
    secrets = (await store.get(key.key_id)).secrets
    assert len(secrets) == 2
    assert {one.digest for one in secrets} < {one.digest for one in newer}


async def test_a_change_that_is_refused_changes_nothing(store: KeyStore) -> None:
    _, key = new_key()
    over = revoked(key, NOON)
    await store.add(over)
    with pytest.raises(KeyOver):
        await store.change(key.key_id, lambda one: rotated(one, another(key, NOON)[1], HOUR))
    assert await store.get(key.key_id) == over


async def test_when_a_key_was_last_used_only_goes_on(store: KeyStore) -> None:
    (_, key), (_, other) = new_key(), new_key()
    await store.add(key)
    await store.add(other)
    await store.used({})
    for moment in (NOON + HOUR, NOON):
        await store.used({key.key_id: moment, "gone": moment})
    assert await store.get(key.key_id) == msgspec.structs.replace(key, last_used_at=NOON + HOUR)
    assert await last_used(store, other) is None


async def last_used(store: KeyStore, key: Key) -> object:
    return (await store.get(key.key_id)).last_used_at
