"""`buttress ingest`: figures, and a name and a reason for each file that was left out."""

import json
from functools import partial
from pathlib import Path

import msgspec
import pytest

from buttress.cli.sync import print_plan, print_report, print_summary, progress_bar
from buttress.knowledge.syncing.types import IngestReport, Progress, SkippedDocument, SyncPlan, Warned
from tests.projects import without_progress, write_document
from tests.unit.cli.conftest import Run


def a_report(**figures: object) -> IngestReport:
    """Return a report of nothing, but for `figures`."""
    return msgspec.structs.replace(IngestReport(knowledge="docs", duration_s=1.5), **figures)


@pytest.mark.slow
def test_only_what_changed_is_read(run: Run, project: Path) -> None:
    first = run("--project", project, "ingest")
    assert (first.code, without_progress(first.err)) == (0, "")
    write_document(project / "documents" / "more.md", "# More\n\nThere is more to say.\n")
    second = run("--project", project, "ingest", "docs", "--json")
    (report,) = json.loads(second.out)
    assert (report["added"], report["unchanged"], report["removed"]) == (1, 2, 0)
    (project / "documents" / "more.md").unlink()
    third = run("--project", project, "ingest", "docs")
    assert "docs: 2 unchanged, 1 removed" in third.out


@pytest.mark.slow
def test_broken_files_are_named_and_the_rest_is_read(run: Run, project: Path) -> None:
    documents = project / "documents"
    write_document(documents / "good.md", "# Good\n\nAn otter may be brought to work.\n")
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (documents / "picture.png").write_bytes(b"\x89PNG\r\n")
    (documents / "empty\x1b[31m.md").write_bytes(b"")
    ran = run("--project", project, "ingest", "docs")
    assert ran.code == 3
    assert " added" in ran.out
    for name in ("broken.pdf", "empty"):
        assert f"left out: {name}" in ran.err
    assert "\x1b[31m" not in ran.out + ran.err
    assert "otter" in run("--project", project, "search", "docs", "otter at work").out
    again = run("--project", project, "ingest", "docs", "--json")
    assert again.code == 3
    (report,) = json.loads(again.out)
    assert all(one["code"].startswith("knowledge.") and one["reason"] for one in report["skipped"])


@pytest.mark.slow
def test_what_is_declared_no_more_is_removed_and_said_so(run: Run, synced: Path) -> None:
    (synced / "knowledge" / "acme.yaml").unlink()
    named = run("--project", synced, "ingest", "docs")
    assert "acme" not in named.out
    ran = run("--project", synced, "ingest")
    assert "acme: not declared any more; documents removed: 1" in ran.out.splitlines()
    assert "acme" not in run("--project", synced, "ingest").out


@pytest.mark.slow
def test_an_empty_folder_is_an_error_unless_it_is_meant(run: Run, synced: Path) -> None:
    for path in (synced / "documents").iterdir():
        path.unlink()
    refused = run("--project", synced, "ingest", "docs")
    assert refused.code == 1
    assert "nothing is left in documents; documents that would be removed: 1" in refused.err
    assert "--allow-empty" in refused.err
    meant = run("--project", synced, "ingest", "docs", "--allow-empty")
    assert (meant.code, without_progress(meant.err)) == (0, "")
    assert "docs: 1 unchanged, 1 removed" in meant.out


def test_knowledge_there_is_not(run: Run, project: Path) -> None:
    ran = run("--project", project, "ingest", "nope")
    assert (ran.code, ran.out) == (1, "")
    assert "there are: acme, docs" in ran.err


def test_a_folder_that_is_not_there(run: Run, project: Path) -> None:
    (project / "knowledge" / "docs.yaml").write_text("sources: [{folder: gone, readers: ['*']}]\n")
    ran = run("--project", project, "ingest", "docs")
    assert ran.code == 1
    assert "gone" in ran.err


@pytest.mark.slow
def test_one_that_cannot_be_read_does_not_hold_up_the_others(run: Run, project: Path) -> None:
    """It is told at the end, with its name; what was done is printed."""
    for name in ("acme", "beta"):
        (project / "knowledge" / f"{name}.yaml").write_text("sources: [{folder: gone, readers: ['*']}]\n")
    failed = run("--project", project, "sync", "--json")
    assert [one["knowledge"] for one in json.loads(failed.out)] == ["docs"]
    told = json.loads(failed.err)["error"]
    assert (failed.code, told["code"]) == (1, "knowledge.source_missing")
    assert told["message"].startswith("knowledge base `acme`: the folder gone of source gone: ")
    assert told["message"].endswith("; failed, too: beta")


def test_a_report_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(
        a_report(
            added=1_200,
            chunks=3_000,
            skipped=(SkippedDocument("a\x1b[31m.pdf", "knowledge.empty", "it is empty", stays=True),),
            warnings=(Warned("b.pdf", "page 2 has no text"),),
        )
    )
    seen = capsys.readouterr()
    assert seen.out == "docs: 1,200 added, 1 left out; 3,000 chunks read, 0 embedded, 0 reused; 1.5 s\n"
    assert "left out: a\ufffd[31m.pdf: it is empty (knowledge.empty); its earlier version stays" in seen.err
    assert "note: b.pdf: page 2 has no text" in seen.err


def test_what_to_do_is_said_once_for_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = tuple(
        SkippedDocument(name, f"knowledge.{code}", "why", hint=hint)
        for name, code, hint in (
            ("a.xyz", "unknown_format", "Convert it."),
            ("b.xyz", "unknown_format", "Convert it."),
            ("c.md", "empty", "Exclude it."),
            ("link.md", "left_out", ""),
        )
    )
    report, plan = a_report(skipped=skipped), SyncPlan(knowledge="docs", unreadable=skipped)
    for show in (partial(print_report, report), partial(print_plan, plan)):
        show()
        hints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  hint: ")]
        assert hints == [
            "  hint: Convert it. (knowledge.unknown_format)",
            "  hint: Exclude it. (knowledge.empty)",
        ]


def test_nothing_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(a_report())
    assert "docs: nothing to read;" in capsys.readouterr().out


def far(elapsed_s: float, files_done: int = 1) -> Progress:
    """Return how far an ingest of ten documents is."""
    return Progress(
        files=10,
        files_done=files_done,
        pages=1,
        chunks=1_200,
        chunks_done=30,
        tokens=round(100 * elapsed_s),
        elapsed_s=elapsed_s,
    )


def test_where_there_is_no_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar() as watch:
        for at in (0.0, 3.0, 9.9, 10.2, 11.0, 20.1, 20.3):
            watch(far(at))
        watch(far(5.0))  # of the next knowledge base
        watch(far(12.0, files_done=2))
    out, err = capsys.readouterr()
    first = "10 s: 1 of 10 documents done, 30 of 1,200 chunks embedded, 100 tokens/s"
    assert err.splitlines() == [first, first.replace("10 s", "20 s"), "12 s: 2" + first[7:]]
    assert out == ""


@pytest.mark.slow
def test_a_plan_is_shown_and_nothing_done(run: Run, synced: Path) -> None:
    """By both names; a plan is also the first line of a sync."""
    write_document(synced / "documents" / "more.md", "# More\n\nThere is more to say.\n")
    (synced / "staff" / "salaries.md").rename(synced / "staff" / "pay.md")
    lines = [
        "docs: plan: 1 new, 1 moved, 1 unchanged",
        "  new      more.md",
        "  moved    salaries.md -> pay.md",
    ]
    for name in ("sync", "ingest"):
        shown = run("--project", synced, name, "docs", "--plan")
        assert (shown.code, shown.out.splitlines()) == (0, lines)
    (plan,) = json.loads(run("--project", synced, "sync", "docs", "--plan", "--json").out)
    assert plan["moved"] == [{"source": "salaries.md", "target": "pay.md"}]
    done = run("--project", synced, "sync", "docs")
    assert done.out.splitlines()[0] == lines[0]
    assert done.out.splitlines()[1].startswith("docs: 1 added, 1 moved, 1 unchanged; ")
    (synced / "staff" / "broken.pdf").symlink_to("/etc/hostname")
    assert run("--project", synced, "sync", "docs", "--plan").code == 3


def test_what_a_rebuild_says(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(SyncPlan(knowledge="docs", again=("a",), rebuild=True))
    print_report(a_report(rebuilt=True))
    print_report(a_report(waits_for=2))
    seen = capsys.readouterr()
    assert "docs: plan: 1 to be taken in again; for another embedding model" in seen.out
    assert "docs: searched with another embedding model from now on" in seen.out
    assert "the former embedding model is searched with until" in seen.err


def test_nothing_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(SyncPlan(knowledge="docs"))
    print_plan(SyncPlan(knowledge="docs", again=("a",), changed=("b",), removed=("c",)))
    assert capsys.readouterr().out.splitlines() == [
        "docs: plan: nothing there",
        "docs: plan: 1 changed, 1 to be taken in again, 1 to be removed",
        "  changed  b",
        "  again    a",
        "  removed  c",
    ]
