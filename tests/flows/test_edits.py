"""A project that is edited while `buttress serve` runs: new answers without a restart, and never none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import rmtree

import aiohttp
import pytest

from buttress.app.layout import run_folder
from buttress.processes.status import read_said
from tests.flows.running import Served, buttress, kill, serve, until_ready
from tests.projects import copy_example
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GREETING = "who are you"
FUNCTIONS = '''
def greet(values):
    """Answer one question."""
    return "{answer}" if values["question"] == "who are you" else None
'''


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The example, of which nobody has read the documents."""
    with serve(copy_example(tmp_path_factory.mktemp("edits") / "edited"), "--workers", "2") as running:
        yield running


@pytest.fixture
def feature(served: Served) -> Iterator[Path]:
    """The folder of its feature; after a test it is as it was."""
    folder = served.project / "features" / "support"
    before = {path: path.read_text() for path in folder.iterdir()}
    yield folder
    for path, text in before.items():
        replace(path, text)


def replace(path: Path, text: str) -> None:
    """Write a file as an editor does: another one in its place."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def table(answer: str) -> str:
    """Return a table that answers one question."""
    return f"question,answer\n{GREETING},{answer}\n"


class Asker:
    """Asks over connections of their own, so that any worker may answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, question: str = GREETING, feature: str = "support") -> str:
        """Return the text of an answer; every question must have one."""
        body = {"input": {"question": question}}
        async with self._session.post(f"{self._url}/v1/features/{feature}", json=body) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return str(answer["text"])

    async def until_all_say(self, text: str) -> None:
        """Ask until every worker says `text`, for as many questions as no worker could dodge by chance."""
        in_a_row = 0

        async def says() -> bool:
            nonlocal in_a_row
            in_a_row = in_a_row + 1 if await self.ask() == text else 0
            if not in_a_row:
                await asyncio.sleep(0.05)
            return in_a_row >= 30

        for _ in range(2_000):
            if await says():
                return
        raise AssertionError(f"not all say {text!r}")

    async def problem(self) -> str:
        """Return what `/readyz` has to say of the files; it must be ready."""
        async with self._session.get(f"{self._url}/readyz") as response:
            assert response.status == 200, await response.text()
            return str((await response.json())["problem"])


@asynccontextmanager
async def asking(served: Served) -> AsyncIterator[Asker]:
    """Ask what is served, for the block."""
    connector = aiohttp.TCPConnector(force_close=True)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await until_ready(served.url)
        yield Asker(session, served.url)


def states(served: Served) -> set[str]:
    """Return which states of the files answer, as the workers say."""
    said = [read_said(run_folder(served.project), name) for name in ("calls-1", "calls-2")]
    return {one.message.partition("project ")[2][:12] for one in said if one}


async def kill_and_wait(served: Served, role: str) -> None:
    """Kill a process, and wait until another one does its work."""
    before = served.pid_of(role)
    assert kill(before)
    await until(lambda: served.pid_of(role) not in (None, before), 30, f"{role} is started again")
    await until_ready(served.url)


async def test_an_edit_answers_without_a_restart_and_a_broken_one_changes_nothing(
    served: Served, feature: Path
) -> None:
    answers, declaration = feature / "known-answers.csv", feature / "feature.yaml"
    good = declaration.read_text()
    async with asking(served) as asker:
        replace(answers, table("First."))
        await asker.until_all_say("First.")
        assert await asker.problem() == ""
        replace(declaration, good.replace("ladder: answers", "ladder: nobody"))
        replace(answers, table("Second."))
        await until(lambda: "nobody" in said_by(served, "calls-1"), 30, "the mistake is said")
        await until(lambda: "nobody" in said_by(served, "calls-2"), 30, "the mistake is said")
        for role in ("calls-1", "calls-2", "engine", "background"):
            await kill_and_wait(served, role)
        assert {await asker.ask() for _ in range(30)} == {"First."}
        assert "feature.yaml:" in await asker.problem()
        assert len(states(served)) == 1
        replace(declaration, good)
        await asker.until_all_say("Second.")
        await until(lambda: "nobody" not in said_by(served, "calls-1"), 30, "the mistake is forgotten")
        await until(lambda: len(states(served)) == 1, 30, "all workers answer alike")
    said = served.project.with_name(f"{served.project.name} says").read_text()
    assert "calls-1: ready:" in said
    assert "nobody" in said


def said_by(served: Served, role: str) -> str:
    """Return what a worker says of itself."""
    said = read_said(run_folder(served.project), role)
    return said.message if said else ""


async def test_functions_stay_as_they_were_while_the_project_is_broken(served: Served, feature: Path) -> None:
    declaration, functions = feature / "feature.yaml", feature / "rules.py"
    declared = declaration.read_text().replace("- table: known-answers.csv", "- function: rules.py:greet")
    replace(functions, FUNCTIONS.format(answer="First."))
    replace(declaration, declared)
    async with asking(served) as asker:
        await asker.until_all_say("First.")
        replace(functions, "def greet(:\n")
        for role in ("calls-1", "calls-2"):
            await until(lambda: "rules.py" in said_by(served, role), 30, "the mistake is said")  # noqa: B023
        assert await asker.ask() == "First."
        await kill_and_wait(served, "calls-1")
        assert {await asker.ask() for _ in range(30)} == {"First."}
        replace(functions, FUNCTIONS.format(answer="Second."))
        await asker.until_all_say("Second.")


async def test_a_new_feature_on_a_new_knowledge_base_answers_without_a_restart(
    served: Served, feature: Path
) -> None:
    project = served.project
    documents, new = project / "pets", project / "features" / "pets"
    documents.mkdir()
    (documents / "otters.md").write_text("# Otters\n\nAn otter may be brought to work on Fridays.\n")
    (project / "knowledge" / "pets.yaml").write_text("sources: [{folder: pets, readers: ['*']}]\n")
    done = buttress(project, "ingest", "pets")
    assert done.returncode == 0, done.stderr
    greeted = "      - {regex: '^who are you$', answer: Pets.}"
    text = (feature / "feature.yaml").read_text().replace("knowledge: kestrel", "knowledge: pets")
    try:
        new.mkdir()
        (new / "answer.md").write_text((feature / "answer.md").read_text())
        replace(new / "feature.yaml", text.replace("      - table: known-answers.csv", greeted))
        for role in ("calls-1", "calls-2"):
            await until(lambda: said_by(served, role).startswith("2 features"), 30, "there are two")  # noqa: B023
        async with asking(served) as asker:
            assert await asker.ask(feature="pets") == "Pets."
            question = "When may an otter be brought to work?"
            for _ in range(600):
                if "Fridays" in await asker.ask(question, feature="pets"):
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("the new knowledge base is not searched")
    finally:
        rmtree(new)
