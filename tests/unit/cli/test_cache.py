"""`buttress cache`: what is kept, forgetting it, and picking a threshold."""

import asyncio
import json
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.storage import project_database
from buttress.caching.store import AnswerStore
from buttress.caching.tuning import Judged, tune
from buttress.cli.cache import advice
from buttress.kernel.clock import SystemClock
from buttress.settings.loading import load_settings
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.caching.entries import a_key, an_entry
from tests.unit.cli.conftest import Run
from tests.unit.server.serving import write_project
from tests.waiting import until


async def keep(project: Path) -> None:
    """Keep two answers of two tenants."""
    async with project_database(load_settings(project), SystemClock()) as database:
        store = AnswerStore(database)
        await store.put(a_key("one"), an_entry(b"x" * 2_000_000))
        await store.put(a_key("two", "other", "search"), an_entry())


@pytest.mark.slow
def test_what_is_kept_is_told_and_forgotten(run: Run, project: Path) -> None:
    asyncio.run(keep(project))
    said = run("--project", project, "cache", "stats")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    assert "acme" in said.out
    assert "2.00 MB" in said.out
    found = json.loads(run("--project", project, "cache", "stats", "--tenant", "other", "--json").out)
    (held,) = found["kept"]
    assert found["saved"] == []
    assert (held["feature"], held["entries"], held["tokens"]) == ("search", 1, 10)
    assert run("--project", project, "cache", "clear", "--feature", "search").out == "1 answer forgotten\n"
    assert run("--project", project, "cache", "clear").out == "1 answer forgotten\n"
    empty = run("--project", project, "cache", "stats")
    assert (empty.code, empty.out) == (0, "")
    assert "no answer is kept" in empty.err


async def ask_alike(project: Path) -> None:
    """Ask what means the same twice, in the shadow of a semantic cache."""
    async with ScriptedUpstream([Reply(chunks=("By mail.",))]) as upstream:
        write_project(project, upstream.url)
        with (project / "features" / "chat" / "feature.yaml").open("a") as file:
            file.write("chat: {question: question}\ncache: {semantic: {threshold: 0.8}}\n")
        patient = ["caching.semantic_timeout_s=5", "caching.read_timeout_s=1"]
        async with Buttress.open(project, flags=patient) as buttress:

            async def is_written() -> bool:
                await buttress.ask("chat", {"question": "How can I reset my password?"})
                return bool(await AnswerStore(await buttress.database()).held(None, None))

            await until(is_written, 30)
            await buttress.ask("chat", {"question": "How do I reset my password?"})
            assert (await buttress.ask("chat", {"question": "How do I reset my password?"})).recalled


@pytest.mark.slow
def test_what_the_shadow_would_have_given_is_listed_to_be_labelled(run: Run, tmp_path: Path) -> None:
    project = tmp_path / "project"
    asyncio.run(ask_alike(project))
    said = run("--project", project, "cache", "shadow", "--json")
    assert json.loads(said.out) == {
        "a": "How do I reset my password?",
        "b": "How can I reset my password?",
        "same": None,
    }
    assert "hits in 30 days saved" in run("--project", project, "cache", "stats").out
    assert "<->" in run("--project", project, "cache", "shadow").out
    none = run("--project", project, "cache", "shadow", "--feature", "support")
    assert (none.code, none.out) == (0, "")


def pairs(count: int) -> str:
    """Return pairs of questions: some the same, some of another number or another subject."""
    lines: list[dict[str, object]] = []
    for number in range(count):
        lines += [
            {"a": f"How can I pay bill {number}?", "b": f"How do I pay bill {number}?", "same": True},
            {"a": f"Can I pay bill {number}?", "b": f"Can I pay bill {number + 1}?", "same": False},
        ]
    return "\n".join(map(json.dumps, lines))


def test_a_threshold_is_picked_where_the_pairs_can_show_it(run: Run, ingested: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "pairs.jsonl"
    labelled.write_text(pairs(60))
    said = run("--project", ingested, "cache", "tune", labelled, "--most-false", "0.1")
    assert said.code == 0
    assert said.out.splitlines()[1].split()[:3] == ["0.70", "60", "0"]
    assert "threshold: 0.70" in said.out


def test_what_cannot_be_shown_is_said() -> None:
    tuning = tune([Judged(0.9, differs=False, same=True)] * 100, 0.01)
    assert "It takes 568 hits" in advice(tuning, 0.01)


def test_what_is_no_pair_is_named_with_its_line(run: Run, ingested: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "pairs.jsonl"
    labelled.write_text('{"a": 1}\n')
    said = run("--project", ingested, "cache", "tune", labelled)
    assert said.code != 0
    assert "line 1" in said.err
    assert "hint: " in said.err
