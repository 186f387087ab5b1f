"""A real `buttress serve` in a process of its own, and what a test asks of it and does to it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
import psutil

from buttress.app.layout import run_folder, spool_folder
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.processes.status import read_status
from buttress.settings.loading import load_settings
from buttress.storage.spool import read_records
from buttress.tracing.types import Trace

QUESTIONS = (
    "Can I get my money back?",
    "How many calendars can I connect?",
    "What does it cost to move 40 GB from our own server to Kestrel Cloud?",
    "Where is data stored?",
)


def say(text: str) -> None:
    """Print `text`: pytest shows it with a test that failed, or with `-s`."""
    print(text)  # noqa: T201 - seeds and figures, for whoever looks into a run


def command(project: Path, *arguments: str) -> list[str]:
    """Return the command line of `buttress` in `project`."""
    return [sys.executable, "-m", "buttress", "--project", str(project), *arguments]


def buttress(project: Path, *arguments: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(project, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )


class Served(msgspec.Struct, frozen=True):
    """A supervisor that was started, and where it said that it can be reached."""

    project: Path
    process: subprocess.Popen[bytes]
    url: str

    def pid_of(self, role: str) -> int | None:
        """Return the process of a role, `postgres` included; None when it has none just now."""
        if role == "postgres":
            return postmaster(self.project)
        status = next((one for one in read_status(run_folder(self.project)) if one.name == role), None)
        return status.pid if status else None


@contextmanager
def serve(
    project: Path, *arguments: str, flags: Sequence[str] = (), within_s: float = 30
) -> Iterator[Served]:
    """Run `buttress serve` on a free port for the block; nothing of it is left at its end.

    `flags` are those of `buttress` itself, `arguments` those of `serve`.
    """
    said = project.with_name(f"{project.name} says")
    with said.open("wb") as output:
        started = subprocess.Popen(
            command(project, *flags, "serve", "--port", "0", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with started as process:
        try:
            yield Served(project, process, _address(process, said, within_s))
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            end_all(project)


@contextmanager
def serve_models(
    folder: Path, models: str, *arguments: str, settings: str = "", key: str = "sk-secret"
) -> Iterator[Served]:
    """Serve a new project that has nothing but `models`, and `key` in a file: `file:key`; see `serve`."""
    project = folder / "project"
    project.mkdir()
    for name, text in {"models.yaml": models, "buttress.yaml": settings, "key": key}.items():
        (project / name).write_text(text)
    with serve(project, *arguments) as served:
        yield served


def _address(process: subprocess.Popen[bytes], said: Path, within_s: float) -> str:
    """Return the address of the ready line."""
    deadline = time.perf_counter() + within_s
    while not (found := re.search(r"^ready: (http://\S+)$", said.read_text(), re.MULTILINE)):
        assert time.perf_counter() < deadline, f"it did not become ready: {said.read_text()}"
        assert process.poll() is None, f"it ended: {said.read_text()}"
        time.sleep(0.01)
    return found[1]


def postmaster(project: Path) -> int | None:
    """Return the process of the project's PostgreSQL, when it runs."""
    try:
        pid = int((project / ".buttress/postgres/data/postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if psutil.pid_exists(pid) else None


def processes_of(project: Path) -> list[psutil.Process]:
    """Return every process that works for `project`, PostgreSQL's included."""
    return [one for one in psutil.process_iter() if _belongs(one, str(project))]


def _belongs(process: psutil.Process, project: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(project in part for part in process.cmdline()) or process.cwd().startswith(project)
    except psutil.Error:
        return False


def end_all(project: Path) -> None:
    """Kill what still works for `project`: a test that failed leaves nothing behind."""
    for one in processes_of(project):
        with suppress(psutil.Error):
            one.kill()


def kill(pid: int | None) -> bool:
    """Kill a process at once; say whether there was one."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Asker:
    """Asks in a loop; keeps the ids of the traces of all answers that came whole, and what went wrong."""

    def __init__(self, questions: Sequence[str] = QUESTIONS) -> None:
        self._questions = questions
        self.url = ""
        self.answered: list[str] = []
        self.outcomes: list[str] = []
        self.refused: list[str] = []

    @asynccontextmanager
    async def asking(self, *, tasks: int = 2, pause_s: float = 0.0) -> AsyncIterator[None]:
        """Ask for the block: so many questions at the same time, with a pause after each."""
        timeout = aiohttp.ClientTimeout(total=20)
        # A connection for each question: the system gives it to any of the workers.
        connector = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            running = [group.create_task(self._ask_on(session, number, pause_s)) for number in range(tasks)]
            try:
                yield
            finally:
                for one in running:
                    one.cancel()

    async def _ask_on(self, session: aiohttp.ClientSession, number: int, pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s)
            question = self._questions[(len(self.answered) + number) % len(self._questions)]
            try:
                await self._ask(session, question, stream=len(self.answered) % 2 == 0)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.refused.append(type(error).__name__)
                await asyncio.sleep(0.05)

    async def _ask(self, session: aiohttp.ClientSession, question: str, *, stream: bool) -> None:
        body = {"input": {"question": question}, "user": "ada", "stream": stream}
        async with session.post(f"{self.url}/v1/features/support", json=body) as response:
            text = await response.text()
        if response.status != 200:
            self.refused.append(f"{response.status}: {text}")
            return
        answer = _ended(text) if stream else msgspec.json.decode(text, type=dict[str, object])
        if answer is None:
            self.refused.append(f"cut: {text[-200:]}")
            return
        self.answered.append(str(answer["trace_id"]))
        self.outcomes.append(str(answer["reason"] or answer["outcome"]))


def _ended(text: str) -> dict[str, object] | None:
    """Return the answer of a stream's last event; None when it did not end as it should."""
    last = text.strip().rpartition("\n\n")[2]
    if not (text.endswith("\n\n") and last.startswith("event: ended\ndata: ")):
        return None
    data = last.removeprefix("event: ended\ndata: ")
    return msgspec.json.decode(data, type=_Ended).answer


class _Ended(msgspec.Struct):
    answer: dict[str, object]


async def readiness(url: str) -> dict[str, str] | None:
    """Return what `/readyz` waits for; None when nobody answers."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
            body = await response.json()
    except aiohttp.ClientError:
        return None
    waiting: dict[str, str] = body["waiting_for"]
    return waiting


async def until_ready(url: str, within_s: float = 30) -> None:
    """Wait until every role is ready again."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while (waiting := await readiness(url)) != {}:
        assert loop.time() < deadline, f"not ready within {within_s:g} s: {waiting}"
        await asyncio.sleep(0.05)


async def stored_traces(project: Path) -> list[str]:
    """Return the ids of all traces that were stored, in any order."""
    async with (
        project_database(load_settings(project), SystemClock()) as database,
        database.connection() as connection,
    ):
        rows = await (await connection.execute("select trace_id from traces")).fetchall()
    return [row[0] for row in rows]


def spooled_traces(project: Path) -> list[str]:
    """Return the ids of all traces that still wait in the spool; looks again where a file went meanwhile."""
    while True:
        files = [path for path in spool_folder(project).glob("*") if path.suffix in (".open", ".sealed")]
        with suppress(FileNotFoundError):
            records = [one for path in files for one in read_records(path)]
            return [msgspec.json.decode(one, type=Trace).trace_id for one in records]
