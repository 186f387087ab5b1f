"""`buttress retrieval eval`: figures, times, the worst queries; and what is wrong with labels."""

import json
from pathlib import Path

import pytest

from tests.projects import ANSWERABLE, SALARIES
from tests.unit.cli.conftest import Run

LABELS = f"""
{{"query": "{SALARIES}", "relevant": [{{"document": "salaries.md"}}]}}
{{"query": "{ANSWERABLE}", "relevant": [{{"document": "welcome.md"}}]}}
"""


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels of a question for everybody, and of one for staff."""
    path = tmp_path / "some.jsonl"
    path.write_text(LABELS, "utf-8")
    return path


def test_figures_times_and_the_worst(run: Run, ingested: Path, labels: Path) -> None:
    ran = run("--project", ingested, "retrieval", "eval", "docs", "--labels", labels)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "docs: 2 labelled queries"
    assert any(line.split()[:2] == ["nDCG@10", "50.00"] for line in lines)
    assert any(line.split()[0] == "bm25" and "ms p95" in line for line in lines)
    assert SALARIES in lines[lines.index("worst") + 1]
    assert "`salaries.md`" in ran.err


def test_a_reader_finds_more(run: Run, ingested: Path, labels: Path) -> None:
    asked = ("--project", ingested, "retrieval", "eval", "docs", "--labels", labels)
    found = json.loads(run(*asked, "--user", "ada", "--json").out)
    assert found["metrics"]["hit@1"]["mean"] == 1
    assert {one["query"] for one in found["queries"]} == {SALARIES, ANSWERABLE}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"query": "x"}\n{', "some.jsonl:2: no JSON", id="every mistake with its line"),
        pytest.param("", "no labelled query", id="nothing"),
    ],
)
def test_labels_that_cannot_be_read(run: Run, ingested: Path, labels: Path, text: str, said: str) -> None:
    labels.write_text(text, "utf-8")
    ran = run("--project", ingested, "retrieval", "eval", "docs", "--labels", labels)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert "hint:" in ran.err


def test_without_labels_it_says_how_to_write_some(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "retrieval", "eval", "docs", "--json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["code"]) == (1, "knowledge.labels_missing")
    assert "docs.labels.jsonl" in error["message"]
