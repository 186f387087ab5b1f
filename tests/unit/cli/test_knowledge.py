"""`buttress knowledge`: how the knowledge bases stand, and whether they are what there is."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.slow
def test_how_they_stand(run: Run, project: Path) -> None:
    file = project / "knowledge" / "docs.yaml"
    file.write_text(file.read_text() + "sync: {every: 15m}\n")
    assert run("--project", project, "sync").code == 0
    (project / "acme").rename(project / "away")
    assert run("--project", project, "sync", "acme").code == 1
    listed = run("--project", project, "knowledge", "list")
    acme, docs = listed.out.splitlines()
    assert acme.startswith("acme: documents 1, chunks 1, synced 20")
    assert acme.endswith(", failures since 1")
    assert docs.startswith("docs: documents 2, chunks ")
    assert docs.endswith(", where `buttress serve` runs")
    assert "the last sync failed: the folder acme" in listed.err
    told = json.loads(run("--project", project, "knowledge", "list", "--json").out)
    assert [(one["knowledge"], one["every_s"], one["model"]) for one in told] == [
        ("acme", None, ""),
        ("docs", 900.0, ""),
    ]


@pytest.mark.slow
def test_what_is_wrong_is_said_and_removed(run: Run, project: Path) -> None:
    assert run("--project", project, "sync").code == 0
    (project / "staff" / "salaries.md").unlink()
    (project / "staff" / "pay.md").write_text("# Pay\n\nWages are paid on the last Friday.\n")
    (project / "knowledge" / "acme.yaml").unlink()
    wrong = run("--project", project, "knowledge", "check")
    assert wrong.code == 1
    assert wrong.out.splitlines() == [
        "ghost: docs: salaries.md (sources): is found, and no source holds it",
        "orphan: acme: acme (knowledge): is not declared any more",
    ]
    assert "buttress knowledge check --repair" in wrong.err
    told = json.loads(run("--project", project, "knowledge", "check", "--json").out)
    assert [one["kind"] for one in told["findings"]] == ["ghost", "orphan"]
    (project / "documents").rename(project / "away")
    (project / "staff").rename(project / "away too")
    away = run("--project", project, "knowledge", "check", "--repair")
    assert (away.code, away.out.splitlines()) == (3, [f"{wrong.out.splitlines()[1]}; removed"])
    assert "not looked at: docs: the folder documents" in away.err
    (project / "away").rename(project / "documents")
    (project / "away too").rename(project / "staff")
    assert run("--project", project, "knowledge", "check", "--repair").code == 0
    good = run("--project", project, "knowledge", "check", "docs")
    assert (good.code, good.out) == (0, "nothing is wrong\n")


def test_a_name_that_nobody_declares(run: Run, project: Path) -> None:
    ran = run("--project", project, "knowledge", "check", "nope")
    assert (ran.code, ran.out) == (1, "")
    assert "there are: acme, docs" in ran.err
