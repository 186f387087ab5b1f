"""When a knowledge base is synced by itself: pure rules over how its last sync went."""

from datetime import datetime, timedelta

import msgspec

SOON_S = 60.0
"""After a sync that was killed the next one begins so much later; each time it happens again, twice that."""

LONGEST_S = 6 * 3_600.0
"""Failures put the next sync off by twice the time each, up to this, or `every` where that is longer."""


class LastSync(msgspec.Struct, frozen=True, kw_only=True):
    """How the last sync of a knowledge base went. `ended_at` None: it runs, or was killed.

    `failures` are those in a row, one that has not ended included; `left_out` are the documents and sources
    that the last good one could not take in.
    """

    knowledge: str
    began_at: datetime
    ended_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    left_out: int = 0
    error_code: str | None = None
    error: str | None = None


def next_sync(every_s: float, last: LastSync | None) -> datetime | None:
    """Return when the next sync is due; None: at once, since there was none.

    After a good one it is `every_s` after its beginning. One that failed puts it off, twice as far each time;
    one that was killed is gone on with soon.
    """
    if last is None:
        return None
    if last.failures == 0:
        return last.began_at + timedelta(seconds=every_s)
    doubled = 2 ** min(last.failures - 1, 30)
    if last.ended_at is None:
        return last.began_at + timedelta(seconds=min(SOON_S * doubled, max(every_s, SOON_S)))
    put_off = min(every_s * 2 * doubled, max(every_s, LONGEST_S))
    return last.began_at + timedelta(seconds=put_off)
