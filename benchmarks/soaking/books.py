"""What a soak should have left in the database, and what is there."""

from collections import Counter
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.settings.loading import load_settings
from soaking.mix import NO_SUCH, RENAMED

BY_NAME = "SELECT feature, count(*) FROM traces GROUP BY feature"
LOST = "SELECT count(*) FROM traces WHERE outcome = 'lost'"
SIZE = "SELECT pg_database_size(current_database())"


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored: traces by the group of their name, those that are lost, and ids that are missing."""

    traces: dict[str, int]
    lost: int
    missing: int
    bytes: int


def group_of(name: str) -> str:
    """Return the group of a name; names that are used once are one group each."""
    return next((one for one in (NO_SUCH, RENAMED) if name.startswith(one)), name)


async def read_books(project: Path, seen: AbstractSet[str] = frozenset()) -> Books:
    """Return what is stored for `project`; `seen` are the ids of traces that clients were told."""
    counts: Counter[str] = Counter()
    async with (
        project_database(load_settings(project), SystemClock()) as database,
        database.connection() as connection,
    ):
        for name, count in await (await connection.execute(BY_NAME)).fetchall():
            counts[group_of(name)] += count
        stored = {
            row[0] for row in await (await connection.execute("SELECT trace_id FROM traces")).fetchall()
        }
        (lost,), (size,) = [(await (await connection.execute(query)).fetchall())[0] for query in (LOST, SIZE)]
    return Books(traces=dict(counts), lost=lost, missing=len(seen - stored), bytes=size)
