"""A project opened beside the engine's process, and the process that ships; test_roles.py kills it."""

import asyncio
import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from buttress.app.background import served
from buttress.app.declared import read_declared
from buttress.app.layout import run_folder, spool_folder
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.kernel.usage import NANO, NanoDollars
from buttress.knowledge.errors import EngineAway
from buttress.processes.status import read_said
from buttress.settings.loading import load_settings
from buttress.spend.budgets import AccountKey
from buttress.spend.leases import Holding
from buttress.spend.store import Ledger, Report
from buttress.spend.windows import BEGINNING
from buttress.storage.database import Database
from buttress.storage.spool import Spool
from buttress.tracing.underway import Underway
from tests.projects import ANSWERABLE
from tests.unit.outbound.sites import Site, site
from tests.unit.tracing.test_metrics import changed, values
from tests.waiting import until, wait_until

BACKGROUND = """
import asyncio, sys
from pathlib import Path
from buttress.app.background import run_background
from buttress.settings.loading import load_settings

asyncio.run(run_background(load_settings(Path(sys.argv[1]))))
print([name for name in sys.argv[2:] if name in sys.modules])
"""
HEAVY = ("lancedb", "pyarrow", "onnxruntime", "tokenizers", "numpy")


async def test_an_engine_that_is_away_is_not_replaced_by_one_in_this_process(project: Path) -> None:
    """A call worker that starts before the engine must not load the model for itself, 350 MB of it."""
    async with served(load_settings(project), read_declared(project, "")) as buttress:
        with pytest.raises(EngineAway):
            await buttress.search("docs", ANSWERABLE, scope=Scope("default"))
        answer = await buttress.ask("support", {"question": ANSWERABLE})
    assert (answer.outcome, answer.reason) == ("fallback", "knowledge.engine_away")


@pytest.mark.slow
def test_the_background_process_is_light(project: Path) -> None:
    command = [sys.executable, "-c", BACKGROUND, str(project), *HEAVY]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_ready(project, process)
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=30)[0].strip() == "[]"
        finally:
            process.kill()


def _wait_until_ready(project: Path, process: subprocess.Popen[str]) -> None:
    def is_ready() -> bool:
        assert process.poll() is None
        said = read_said(run_folder(project), "background")
        return said is not None and said.ready

    wait_until(is_ready, 30)


@pytest.mark.slow
async def test_a_lost_call_is_counted(project: Path) -> None:
    lost = changed(outcome="lost", attempts=[])
    underway = Underway(spool_folder(project), "killed", 1_000)
    underway.begin(lost.trace_id, msgspec.json.encode(lost))
    underway.close()  # as the end of a process does, while it is still under way

    async def it_is_counted() -> bool:
        try:
            found = values((run_folder(project) / "background.metrics").read_bytes())
        except FileNotFoundError:
            return False
        return found.get(("buttress_calls_total", "support", "lost", "background")) == 1

    with _background(project):
        await until(it_is_counted, within_s=50)


@pytest.mark.slow
async def test_what_is_due_is_synced_and_monitors_see_it(project: Path) -> None:
    file = project / "knowledge" / "docs.yaml"
    file.write_text(file.read_text() + "sync: {every: 15m}\n")

    async def it_is_seen() -> bool:
        try:
            found = values((run_folder(project) / "background.metrics").read_bytes())
        except FileNotFoundError:
            return False
        return found.get(("buttress_knowledge_documents", "docs", "background")) == 2

    with _background(project):
        await until(it_is_seen, within_s=50)


OLD_AND_NEW = b"""
    INSERT INTO conversations
    VALUES ('t', 'u', 'old', 2, now() - interval '91 days'), ('t', 'u', 'new', 2, now())
"""
OVER_AND_KEPT = b"""
    INSERT INTO idempotent_answers (place, tenant, fingerprint, claim, expires_at, answered_at)
    VALUES ('over', 't', '', '', now() - interval '1 second', now()),
        ('kept', 't', '', '', now() + interval '1 day', now())
"""
LEFT = """
    SELECT (SELECT array_agg(conversation) FROM conversations), array_agg(place) FROM idempotent_answers
"""


@pytest.mark.slow
async def test_what_is_too_old_is_deleted(project: Path) -> None:
    async with project_database(load_settings(project), SystemClock()) as database:
        async with database.connection() as connection:
            await connection.execute(OLD_AND_NEW)
            await connection.execute(OVER_AND_KEPT)

        async def is_gone() -> bool:
            async with database.connection() as connection:
                left = await (await connection.execute(LEFT)).fetchone()
            return left == (["new"], ["kept"])

        with _background(project):
            await until(is_gone, within_s=50)


@pytest.mark.slow
async def test_who_is_to_be_told_is_told_while_shipping_goes_on(project: Path) -> None:
    """A receiver that hangs holds up neither the traces nor the end of the process."""
    (project / "secret").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    (project / "budgets.yaml").write_text("budgets: {team: {limit: 1 USD, window: total}}\n")
    async with site(lambda visit: visit.until_gone()) as there:
        told = f"webhooks: {{ops: {{url: '{there.url}', secret: file:secret}}}}\n"
        (project / "alerts.yaml").write_text(told)
        async with project_database(load_settings(project), SystemClock()) as database:
            holding = Holding(granted=NanoDollars(NANO), used=NanoDollars(NANO))
            key = AccountKey("team", (), BEGINNING)
            with _background(project) as process:
                await Ledger(database).tell(
                    [Report(lease="l-1", worker="calls-1", account=key, holding=holding)]
                )
                await until(partial(_is_hanging, there), within_s=50)
                with closing(Spool(spool_folder(project), "calls-1", 1_000, of="traces")) as spool:
                    spool.append(msgspec.json.encode(changed(trace_id="tr_late")))
                await until(partial(_is_stored, database), within_s=20)
                process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait, 20)
                assert len(there.visits) == 1
    counted = values((run_folder(project) / "background.metrics").read_bytes())
    assert counted["buttress_alerts_total", "budget", "background"] == 1


async def _is_hanging(there: Site) -> bool:
    return bool(there.visits)


async def _is_stored(database: Database) -> bool:
    async with database.connection() as connection:
        rows = await connection.execute("SELECT FROM traces WHERE trace_id = 'tr_late'")
        return rows.rowcount == 1


@contextmanager
def _background(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", BACKGROUND, str(project)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()
