"""Kill anything, again and again: what was there is there afterwards, whole, and once.

Each test prints the seed of its chance: put it into `SEED` to see the same moments again.
"""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.kernel.chance import SeededChance
from tests.flows.running import (
    buttress,
    command,
    end_all,
    kill,
    postmaster,
    processes_of,
    say,
    spooled_traces,
    stored_traces,
)
from tests.long.changing import NOTHING, Documents, Shown, check_each, make_project, shown, versions_in_ledger
from tests.projects import copy_example
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SEED: int | None = None
KILLS = 20


def new_chance() -> SeededChance:
    """Return the chance of one test; its seed is printed."""
    seed = SeededChance().bits(32) if SEED is None else SEED
    say(f"seed {seed}")
    return SeededChance(seed)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project; nothing of it is left at the end."""
    return make_project(tmp_path / "killed")


async def test_an_ingest_may_be_killed_at_any_moment(project: Path) -> None:
    """Twenty times and more, while documents change: what is found is a version of each, whole."""
    chance = new_chance()
    documents = Documents(project, chance)
    try:
        _undisturbed_s(project)
        documents.change()
        took_s = _undisturbed_s(project)  # of a change: so long there is something to kill
        async with Buttress.open(project) as searching:
            seen = {name: await shown(searching, name) for name in documents.versions}
            assert {name: one.version for name, one in seen.items()} == documents.versions
            killed = 0
            while killed < KILLS:
                documents.change()
                killed += _kill_an_ingest(project, chance, took_s, with_database=killed % 5 == 4)
                seen |= await check_each(searching, documents, seen, _to_look_at(documents, seen, chance))
                if killed % 3 == 0:
                    assert buttress(project, "search", "base", "doc0001").returncode == 0
            done = buttress(project, "ingest", "--json")
            assert done.returncode == 0, done.stderr
            everything = {*seen, *documents.versions}
            after = await check_each(searching, documents, seen, everything)
        assert {name: one.version for name, one in after.items() if one.version} == documents.versions
        assert await versions_in_ledger(project) == documents.versions
        (report,) = json.loads(buttress(project, "ingest", "--json").stdout)
        figures = [report[one] for one in ("added", "changed", "removed", "unchanged")]
        assert figures == [0, 0, 0, len(documents.versions)]
        wait_until(lambda: not processes_of(project), 5, "nothing is left of all the ingests")
    finally:
        end_all(project)


def _undisturbed_s(project: Path) -> float:
    before = time.perf_counter()
    done = buttress(project, "ingest")
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - before


def _kill_an_ingest(project: Path, chance: SeededChance, took_s: float, *, with_database: bool) -> bool:
    """Kill an ingest, and PostgreSQL with it or in its place; False when it had ended before its moment."""
    ingesting = subprocess.Popen(
        command(project, "ingest"),
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = False
    with ingesting:
        try:
            ingesting.wait(chance.fraction() * took_s)
        except subprocess.TimeoutExpired:
            killed = True
            if with_database:
                kill(postmaster(project))
            if not with_database or chance.fraction() < 0.5:
                ingesting.kill()
        _, said = ingesting.communicate(timeout=60)
    assert "Traceback" not in said, said
    return killed


def _to_look_at(documents: Documents, seen: Mapping[str, Shown], chance: SeededChance) -> set[str]:
    """Return what may have changed since it was seen, and some of the rest."""
    names = sorted({*seen, *documents.versions})
    now = documents.versions
    changed = {one for one in names if seen.get(one, NOTHING).version != now.get(one)}
    return changed | {one for one in names if chance.fraction() < 0.1}


async def test_an_ask_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    chance = new_chance()
    project = copy_example(tmp_path / "asked")
    try:
        assert buttress(project, "ingest").returncode == 0
        answered = [one for _ in range(14) if (one := _kill_an_ask(project, chance))]
        last = buttress(project, "ask", "support", "Can I get my money back?", "--json")
        assert last.returncode == 0, last.stderr
        answered.append(json.loads(last.stdout)["trace_id"])
        listed = buttress(project, "trace", "list", "--json")
        assert listed.returncode == 0, listed.stderr
        assert spooled_traces(project) == []
        stored = Counter(await stored_traces(project))
        assert [one for one in answered if stored[one] != 1] == []
        assert len(answered) <= stored.total() <= 15
        wait_until(lambda: not processes_of(project), 5, "nothing is left of all the asks")
    finally:
        end_all(project)


def _kill_an_ask(project: Path, chance: SeededChance) -> str | None:
    """Kill a question at some moment; return its trace when it had been answered before."""
    asking = subprocess.Popen(
        command(project, "ask", "support", "Can I get my money back?", "--json"),
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with asking:
        try:
            asking.wait(0.3 + chance.fraction() * 2.5)
        except subprocess.TimeoutExpired:
            asking.kill()
        told, said = asking.communicate(timeout=60)
    assert "Traceback" not in said, said
    return str(json.loads(told)["trace_id"]) if told.endswith("}\n") else None
