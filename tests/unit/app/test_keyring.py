"""The keys of a project in one process, over one real PostgreSQL."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from buttress.access.errors import KeyOver, KeySecretUnusable, KeyUnknown
from buttress.access.issuing import Issued, Wanted, issue, revoke
from buttress.access.store import KeyStore
from buttress.app.keyring import Keyring
from buttress.app.layout import kept_keys_file, key_secret_file
from buttress.kernel.clock import Clock
from buttress.settings.errors import SecretMissing
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from tests.waiting import until

OpenDatabase = Callable[[], Awaitable[Database]]


async def _away() -> Database:
    raise StorageUnavailable("away")


@asynccontextmanager
async def following(project: Path, database: OpenDatabase) -> AsyncIterator[Keyring]:
    """Follow the keys for the block."""
    keyring = Keyring(project, "", database)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keyring.follow())
        yield keyring
        task.cancel()


async def made(keyring: Keyring, clock: Clock) -> Issued:
    wanted = Wanted(name="test", expires_at=clock.now() + timedelta(hours=1))
    return await issue(await keyring.store(), wanted, keyring.made_secret(), clock.now())


@pytest.mark.slow
async def test_a_key_is_known_where_it_was_not_made_and_no_more_when_it_was_revoked(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    async def opened() -> Database:
        return database

    async with following(tmp_path, opened) as here, following(tmp_path, opened) as there:
        assert await there.is_read_within(20)
        issued = await made(here, clock)

        async def is_known() -> bool:
            try:
                return there.ring.verify(issued.text, clock.now()).key == issued.key.key_id
            except KeyUnknown:
                return False

        async def is_over() -> bool:
            try:
                there.ring.verify(issued.text, clock.now())
            except KeyOver:
                return True
            return False

        await until(is_known, 20)
        await revoke(KeyStore(database), issued.key.key_id, clock.now())
        await until(is_over, 20)


@pytest.mark.slow
async def test_what_was_read_is_kept_for_a_start_without_a_database(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    async def opened() -> Database:
        return database

    keyring = Keyring(tmp_path, "", opened)
    issued = await made(keyring, clock)
    await keyring.read()
    kept = kept_keys_file(tmp_path)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert issued.text.split("_")[2] not in kept.read_text()
    async with following(tmp_path, _away) as later:
        later.recall()
        assert await later.is_read_within(0)
        assert later.ring.verify(issued.text, clock.now()).key == issued.key.key_id


@pytest.mark.slow
async def test_the_database_is_told_which_keys_were_used(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    async def opened() -> Database:
        return database

    keyring = Keyring(tmp_path, "", opened)
    issued = await made(keyring, clock)
    await keyring.read()
    await keyring.tell()
    assert (await KeyStore(database).get(issued.key.key_id)).last_used_at is None
    moment = clock.now()
    keyring.ring.verify(issued.text, moment)
    await keyring.tell()
    assert (await KeyStore(database).get(issued.key.key_id)).last_used_at == moment


@pytest.mark.slow
async def test_a_key_in_the_form_of_another_version_ends_no_process(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    reads = 0

    async def opened() -> Database:
        nonlocal reads
        reads += 1
        return database

    async def has_tried_again() -> bool:
        return reads > before + 1

    async with following(tmp_path, opened) as keyring:
        assert await keyring.is_read_within(20)
        issued = await made(keyring, clock)
        await keyring.read()
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO keys (key_id, body, created_at) VALUES ('other', '{}', now())"
            )
            await connection.execute("SELECT pg_notify('buttress_keys', '')")
        try:
            before = reads
            await until(has_tried_again, 20)
        finally:
            async with database.connection() as connection:
                await connection.execute("DELETE FROM keys WHERE key_id = 'other'")
        assert keyring.ring.verify(issued.text, clock.now()).key == issued.key.key_id


@pytest.mark.parametrize("content", [b"", b"[", b'[{"key_id": 1}]', b"\xff"])
async def test_kept_keys_that_are_none_are_not_gone_by(tmp_path: Path, content: bytes) -> None:
    path = kept_keys_file(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    keyring = Keyring(tmp_path, "", _away)
    keyring.recall()
    assert not keyring.ring.is_read
    assert not await keyring.is_read_within(0.01)


@pytest.mark.parametrize("content", [b"", b"[", b"\xff"])
async def test_where_the_kept_keys_cannot_be_read_there_are_some(tmp_path: Path, content: bytes) -> None:
    path = kept_keys_file(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    keyring = Keyring(tmp_path, "", _away)
    keyring.recall()
    assert keyring.ring.has_keys


@pytest.mark.parametrize("reference", ["", "file:pepper"])
async def test_where_there_is_a_secret_there_are_keys_until_they_were_read(
    tmp_path: Path, reference: str
) -> None:
    (tmp_path / "pepper").write_text("p" * 40)
    keyring = Keyring(tmp_path, reference, _away)
    keyring.recall()
    assert keyring.ring.has_keys == bool(reference)
    keyring.made_secret()
    keyring.recall()
    assert keyring.ring.has_keys
    keyring.ring.adopt([], None)
    assert not keyring.ring.has_keys


@pytest.mark.parametrize("content", ["", "cut off", "\u00e9" * 40])
async def test_a_secret_that_cannot_be_read_lets_nobody_in_without_a_key(
    database: Database, tmp_path: Path, clock: Clock, content: str
) -> None:
    async def opened() -> Database:
        return database

    here = Keyring(tmp_path, "", opened)
    issued = await made(here, clock)
    await here.read()
    key_secret_file(tmp_path).write_text(content)
    restarted = Keyring(tmp_path, "", opened)
    restarted.recall()
    assert restarted.ring.has_keys
    with pytest.raises(KeySecretUnusable):
        await restarted.read()
    assert restarted.ring.has_keys
    # A process that runs goes on with what it knows, and hears of what was revoked.
    assert here.ring.verify(issued.text, clock.now()).key == issued.key.key_id
    await revoke(KeyStore(database), issued.key.key_id, clock.now())
    with pytest.raises(KeySecretUnusable):
        await here.read()
    with pytest.raises(KeyOver):
        here.ring.verify(issued.text, clock.now())


async def test_nothing_is_known_where_nothing_was_kept(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path, "", _away)
    keyring.recall()
    assert not keyring.ring.is_read
    with pytest.raises(StorageUnavailable):
        await keyring.read()


async def test_the_secret_is_in_a_file_of_the_project_or_where_the_settings_say(tmp_path: Path) -> None:
    own = Keyring(tmp_path, "", _away)
    assert own.made_secret() == own.made_secret() == key_secret_file(tmp_path).read_bytes()
    (tmp_path / "pepper").write_text("p" * 40)
    assert Keyring(tmp_path, "file:pepper", _away).made_secret() == b"p" * 40
    with pytest.raises(SecretMissing):
        Keyring(tmp_path, "file:no-such-file", _away).made_secret()
    (tmp_path / "pepper").write_text("short")
    with pytest.raises(KeySecretUnusable):
        Keyring(tmp_path, "file:pepper", _away).made_secret()
