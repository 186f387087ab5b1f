"""`buttress tune`: what it chose, what it would change, and when it writes nothing."""

import json
from pathlib import Path

import pytest

from buttress.cli.tune import FEWEST_QUERIES
from tests.projects import ANSWERABLE
from tests.unit.cli.conftest import Run

SECTION = ["Welcome", ANSWERABLE.removesuffix("?")]


def _labels(folder: Path, count: int) -> Path:
    """Labels that say `count` times, in other words, what the welcome page answers."""
    path = folder / "some.jsonl"
    lines = [
        {"query": f"{ANSWERABLE} {number}", "relevant": [{"document": "welcome.md", "section": SECTION}]}
        for number in range(count)
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def declaration(project: Path) -> Path:
    """The file that a tuning writes to."""
    return project / "knowledge" / "docs.yaml"


def test_few_queries_are_said_to_be_few(run: Run, project: Path, declaration: Path, tmp_path: Path) -> None:
    before = declaration.read_text("utf-8")
    asked = ("--project", project, "tune", "docs", "--labels", _labels(tmp_path, 3), "--rerank", "none")
    ran = run(*asked)
    assert ran.code == 1
    assert "3 queries are few" in ran.err
    assert "--force" in ran.err
    assert declaration.read_text("utf-8") == before
    assert run(*asked, "--force").code == 0
    assert declaration.read_text("utf-8").startswith(before)


def test_what_was_chosen_is_written_once(run: Run, project: Path, declaration: Path, tmp_path: Path) -> None:
    labels = _labels(tmp_path, FEWEST_QUERIES)
    asked = ("--project", project, "tune", "docs", "--labels", labels, "--rerank", "none")
    before = declaration.read_text("utf-8")
    dry = run(*asked, "--dry-run")
    assert "+  calibration: [" in dry.out
    assert declaration.read_text("utf-8") == before
    ran = run(*asked)
    assert ran.out.splitlines()[0] == "docs: 20 labelled queries"
    assert "each query out of fold" in ran.out
    assert "kept         blend 0.7" in ran.out
    assert "written to" in ran.err
    assert "calibration: [" in declaration.read_text("utf-8")
    assert "says so already" in run(*asked).err


def test_without_labels_headings_are_asked(run: Run, project: Path) -> None:
    ran = run("--project", project, "tune", "docs", "--rerank", "none", "--dry-run", "--json")
    found = json.loads(ran.out)
    assert found["origin"] == "headings"
    assert found["choice"]["count"] > 0
    assert 0 <= found["choice"]["default"]["low"] <= found["choice"]["default"]["high"] <= 1
