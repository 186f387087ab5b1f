"""Journals -> ledger: as often as one likes; and the leases of workers that are gone."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog

from buttress.kernel.clock import Clock
from buttress.spend.journal import (
    KEPT,
    OWNER,
    all_files,
    gone,
    is_whole,
    keep,
    newest_in,
    read_kept,
    read_newest_grant,
    read_taught,
    recover_newest_grant,
    remember_taught,
    writer_of,
)
from buttress.spend.store import Ledger, Report
from buttress.storage.errors import DataRefused
from buttress.storage.spool import only_reader, remove_unfinished, seal_orphans, sealed_files

_log = structlog.get_logger("buttress.spend.settling")


async def settle(folder: Path, ledger: Ledger) -> int:
    """Tell the ledger what stands in the journals of `folder`; return how many leases that were about.

    What was told is kept. The leases of a writer that is gone, and has left nothing more, are ended: what it
    had under way counts as spent. A ledger that was restored first learns everything again. Another process
    at work in the same folder means there is nothing to do: 0.

    Raises:
        StorageUnavailable: PostgreSQL is away; the files stay for the next time.
        DiskFull, FolderUnusable: `folder` is gone, and cannot be made again.
    """
    if not _is_there(folder):
        return 0
    with only_reader(folder) as alone:
        if not alone:
            return 0
        await asyncio.to_thread(remove_unfinished, folder)
        await asyncio.to_thread(seal_orphans, folder)
        await _teach(folder, ledger)
        told = sum([await _tell_file(path, ledger) for path in sealed_files(folder)])
        for writer in await asyncio.to_thread(gone, folder):
            await _bury(folder, writer, ledger)
        return told


def _is_there(folder: Path) -> bool:
    """Say whether anybody has spent anything yet."""
    return folder.exists()


def forget(folder: Path, keep_days: float, clock: Clock) -> int:
    """Remove what is kept of writers that are gone for longer than `keep_days`; return of how many."""
    oldest = (clock.now() - timedelta(days=keep_days)).timestamp()
    old = [path for path in folder.glob(f"*{KEPT}") if _is_over(path, oldest)]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _is_over(path: Path, oldest: float) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime < oldest and not path.with_suffix(OWNER).exists()
    return False


async def _teach(folder: Path, ledger: Ledger) -> None:
    """Tell a ledger that has forgotten grants all that anybody here has written down, living ones too.

    Also where another machine has noticed it first, and told what it has written down.
    """
    await asyncio.to_thread(recover_newest_grant, folder)
    seen, taught = read_newest_grant(folder), read_taught(folder)
    known, learned_until = await ledger.newest_grant(), await ledger.learned_until()
    if known >= seen and learned_until == taught:
        return
    _log.warning("ledger.was_restored", known_grants=known, given_grants=seen)
    for path in await asyncio.to_thread(all_files, folder):
        if reports := await asyncio.to_thread(newest_in, path):
            await _tell(reports, ledger)
    if known < seen:
        await ledger.catch_up(seen)
        learned_until = seen
    remember_taught(folder, learned_until)
    _log.warning("ledger.has_learned", grants=seen)


async def _tell_file(path: Path, ledger: Ledger) -> int:
    """Tell what is in a sealed file, keep it, and remove the file; it stays where it cannot be kept."""
    reports = await asyncio.to_thread(newest_in, path)
    if reports:
        await _tell(reports, ledger)
    try:
        if reports:
            await asyncio.to_thread(keep, path.parent, reports, writer_of(path))
    except OSError as error:
        _log.error("journal.not_kept", file=path.name, reason=str(error))
    else:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(reports)


async def _tell(reports: Mapping[str, Report], ledger: Ledger) -> None:
    """Tell all that the ledger takes: what it refuses is said, and does not hold up the rest."""
    try:
        await ledger.tell(reports.values())
    except DataRefused:
        for lease, report in reports.items():
            try:
                await ledger.tell([report])
            except DataRefused as error:
                _log.error(
                    "settling.refused", lease=lease, budget=report.account.budget, reason=error.message
                )


async def _bury(folder: Path, writer: str, ledger: Ledger) -> None:
    """End the leases of a writer that is gone; what it had under way may have been charged.

    Those are told once more before: a database that was restored a moment ago has forgotten them. Of a
    writer whose last lines are missing all that it held counts as spent.
    """
    running = await asyncio.to_thread(_running, folder, writer)
    await _tell(running, ledger)
    is_known = await asyncio.to_thread(is_whole, folder, writer)
    under_way = {lease: report.reserved for lease, report in running.items()} if is_known else None
    if buried := await ledger.bury(writer, under_way):
        assumed = sum(report.holding.assumed for report in buried)
        _log.warning("leases.buried", writer=writer, leases=len(buried), assumed_nanodollars=assumed)
    ended = {report.lease: report for report in buried}
    if ended:
        await asyncio.to_thread(keep, folder, ended, writer)
    await asyncio.to_thread((folder / f"{writer}{OWNER}").unlink, missing_ok=True)


def _running(folder: Path, writer: str) -> dict[str, Report]:
    kept = read_kept(folder, writer)
    return {lease: report for lease, report in kept.items() if not report.holding.is_ended}
