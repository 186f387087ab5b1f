"""`buttress knowledge`: how the knowledge bases stand, and whether they are what there is."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.slow
def test_how_they_stand(run: Run, synced: Path) -> None:
    file = synced / "knowledge" / "docs.yaml"
    file.write_text(file.read_text() + "sync: {every: 15m}\n")
    assert run("--project", synced, "sync").code == 0
    (synced / "acme").rename(synced / "away")
    assert run("--project", synced, "sync", "acme").code == 1
    listed = run("--project", synced, "knowledge", "list")
    acme, docs = listed.out.splitlines()
    assert acme.startswith("acme: documents 1, chunks 1, synced 20")
    assert acme.endswith(", failures since 1")
    assert docs.startswith("docs: documents 2, chunks ")
    assert docs.endswith(", where `buttress serve` runs")
    assert "the last sync failed: the folder acme" in listed.err
    told = json.loads(run("--project", synced, "knowledge", "list", "--json").out)
    assert [(one["knowledge"], one["every_s"], one["model"]) for one in told] == [
        ("acme", None, ""),
        ("docs", 900.0, ""),
    ]


@pytest.mark.slow
def test_what_is_wrong_is_said_and_removed(run: Run, synced: Path) -> None:
    (synced / "staff" / "salaries.md").unlink()
    (synced / "staff" / "pay.md").write_text("# Pay\n\nWages are paid on the last Friday.\n")
    (synced / "knowledge" / "acme.yaml").unlink()
    wrong = run("--project", synced, "knowledge", "check")
    assert wrong.code == 1
    assert wrong.out.splitlines() == [
        "ghost: docs: salaries.md (sources): is found, and no source holds it",
        "orphan: acme (knowledge): is not declared any more",
    ]
    assert "buttress knowledge check --repair" in wrong.err
    told = json.loads(run("--project", synced, "knowledge", "check", "--json").out)
    assert [one["kind"] for one in told["findings"]] == ["ghost", "orphan"]
    (synced / "documents").rename(synced / "away")
    (synced / "staff").rename(synced / "away too")
    away = run("--project", synced, "knowledge", "check", "--repair")
    assert (away.code, away.out.splitlines()) == (3, [f"{wrong.out.splitlines()[1]}; removed"])
    assert "not looked at: docs: the folder documents" in away.err
    (synced / "away").rename(synced / "documents")
    (synced / "away too").rename(synced / "staff")
    assert run("--project", synced, "knowledge", "check", "--repair").code == 0
    good = run("--project", synced, "knowledge", "check", "docs")
    assert (good.code, good.out) == (0, "nothing is wrong\n")


def test_a_name_that_nobody_declares(run: Run, project: Path) -> None:
    ran = run("--project", project, "knowledge", "check", "nope")
    assert (ran.code, ran.out) == (1, "")
    assert "there are: acme, docs" in ran.err
