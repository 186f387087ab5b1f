"""Migrations: numbered SQL files beside this one, applied once and in order; never edited, only followed."""

import hashlib
import importlib.resources
import re
from collections.abc import Iterable, Sequence
from importlib.resources.abc import Traversable

import msgspec
import psycopg

from buttress.kernel.clock import Clock
from buttress.storage.advisory import advisory_lock
from buttress.storage.connecting import Connection, Connector
from buttress.storage.errors import DatabaseNewer, MigrationChanged, MigrationFailed, MigrationMissing
from buttress.storage.translation import one_line, translated

_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_TABLE = """
    create table if not exists schema_migrations (
        number integer primary key,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null
    )
"""
_IS_THERE = "select to_regclass('schema_migrations') is not null"
_APPLIED = "select number, name, sha256 from schema_migrations order by number"
_NOTE = "insert into schema_migrations (number, name, sha256, applied_at) values (%s, %s, %s, %s)"


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file: `NNNN_name.sql`. `sha256` is of its text with Unix line ends."""

    number: int
    name: str
    sql: str

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.number:04}_{self.name}.sql"

    @property
    def sha256(self) -> str:
        """What tells whether the file was changed; how a checkout ends its lines does not count."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `schema_migrations`."""

    number: int
    name: str
    sha256: str


def shipped_migrations() -> list[Migration]:
    """Return the migrations of this release. Errors as for `read_migrations`."""
    return read_migrations(importlib.resources.files("buttress.storage").joinpath("migrations"))


def read_migrations(folder: Traversable) -> list[Migration]:
    """Return the migrations of a folder, in order.

    Raises:
        MigrationMissing: a name is not of the form `NNNN_name.sql`, or the numbers are not 1, 2, 3 …
    """
    found = sorted((_read(file) for file in folder.iterdir() if file.name.endswith(".sql")), key=_number)
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationMissing(f"migration {expected:04} is expected, {migration.file} was found")
    return found


def _number(migration: Migration) -> tuple[int, str]:
    return migration.number, migration.name


def _read(file: Traversable) -> Migration:
    name = _NAME.fullmatch(file.name)
    if not name:
        raise MigrationMissing(f"the migration {file.name} is not named NNNN_name.sql")
    return Migration(number=int(name["number"]), name=name["name"], sql=file.read_text(encoding="utf-8"))


def outstanding(applied: Iterable[Applied], shipped: Sequence[Migration]) -> list[Migration]:
    """Return which of the `shipped` migrations a database with the `applied` ones still needs, in order.

    Raises:
        DatabaseNewer: one was applied that is not shipped.
        MigrationChanged: one that was applied is not the same any more.
        MigrationMissing: one was left out before a later one was applied.
    """
    done = {one.number: one for one in applied}
    last = max(done, default=0)
    if last > len(shipped):
        raise DatabaseNewer(f"the database is at migration {last}, this release knows {len(shipped)}")
    for migration in shipped[:last]:
        _compare(done.get(migration.number), migration)
    return list(shipped[last:])


def _compare(applied: Applied | None, migration: Migration) -> None:
    if applied is None:
        raise MigrationMissing(
            f"the database has later migrations, but not {migration.file}",
            hint="Restore the table schema_migrations from a backup.",
        )
    if applied.sha256 != migration.sha256:
        raise MigrationChanged(
            f"{migration.file} was changed after it was applied: it was {applied.sha256[:12]}, "
            f"now it is {migration.sha256[:12]}"
        )


async def migrate(connector: Connector, shipped: Sequence[Migration], clock: Clock) -> list[Migration]:
    """Apply what is outstanding, each file in one transaction; return what was applied.

    Processes that do so at once wait for each other. Errors as for `outstanding`, and:

    Raises:
        MigrationFailed: the database refused one; it stays as it was before that one.
        StorageUnavailable: the connection was lost.
    """
    connection = await connector.connect(patient=True)
    try:
        with translated():
            if not outstanding(await _applied(connection), shipped):
                return []
            async with advisory_lock(connector, "buttress:migrations", None):
                return await _apply_outstanding(connection, shipped, clock)
    finally:
        await connection.close()


async def _applied(connection: Connection) -> list[Applied]:
    async with connection.transaction():
        there = await (await connection.execute(_IS_THERE)).fetchone()
        if not (there and there[0]):
            return []
        rows = await (await connection.execute(_APPLIED)).fetchall()
    return [Applied(number=number, name=name, sha256=sha256) for number, name, sha256 in rows]


async def _apply_outstanding(
    connection: Connection, shipped: Sequence[Migration], clock: Clock
) -> list[Migration]:
    todo = outstanding(await _applied(connection), shipped)
    for migration in todo:
        await _apply(connection, migration, clock)
    return todo


async def _apply(connection: Connection, migration: Migration, clock: Clock) -> None:
    try:
        async with connection.transaction():
            await connection.execute(_TABLE)
            await connection.execute(migration.sql.encode())
            values = (migration.number, migration.name, migration.sha256, clock.now())
            await connection.execute(_NOTE, values)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MigrationFailed(f"{migration.file} was refused: {one_line(error)}") from error
