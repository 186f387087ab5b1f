"""`buttress search`: passages with their figures, of those that the asker may see."""

import json
from pathlib import Path

import pytest

from tests.projects import ANSWERABLE, SALARIES
from tests.unit.cli.conftest import Run


def test_passages_with_place_figures_and_stages(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "search", "docs", ANSWERABLE)
    assert (ran.code, ran.err) == (0, "")
    assert "1. welcome.md, Welcome > What happens when nothing fits" in ran.out
    assert "cosine 0." in ran.out
    assert "fused #" not in ran.out
    assert " ms" in ran.out.splitlines()[-1]


def test_how_each_passage_stood_is_explained(run: Run, ingested: Path) -> None:
    """Ranks in every stage."""
    ran = run("--project", ingested, "search", "docs", ANSWERABLE, "--explain")
    assert ran.code == 0
    assert "dense #1  BM25 #1 (" in ran.out
    assert "fused #1 (" in ran.out


def test_that_scores_are_too_low_is_said(run: Run, ingested: Path) -> None:
    """It is nobody's rights that hide them."""
    declared = ingested / "knowledge" / "docs.yaml"
    before = declared.read_text()
    declared.write_text(f"{before}search: {{min_score: 0.99, calibration: [-9, 1]}}\n")
    try:
        ran = run("--project", ingested, "search", "docs", ANSWERABLE)
    finally:
        declared.write_text(before)
    assert ran.code == 0
    assert "too low a score" in ran.err
    assert "min_score" in ran.err


def test_what_a_stage_says_is_no_command_for_the_terminal(run: Run, project: Path) -> None:
    """It may be what a service of others answered."""
    (project / "buttress.yaml").write_text(
        'knowledge: {reranker: {model: "\\e[2Jnowhere"}, engine: {stage_timeout_s: 30}}\n'
    )
    with (project / "knowledge" / "docs.yaml").open("a") as file:
        file.write("search: {rerank: model}\n")
    ran = run("--project", project, "search", "docs", ANSWERABLE)
    assert ran.code == 0
    assert "[2Jnowhere: there is no model.onnx" in ran.out
    assert "\x1b[2J" not in ran.out


def test_json_is_one_document(run: Run, ingested: Path) -> None:
    found = json.loads(run("--project", ingested, "search", "docs", ANSWERABLE, "--limit", "2", "--json").out)
    assert len(found["passages"]) == 2
    assert {"name", "duration_ms"} <= set(found["stages"][0])
    assert len(found["standings"]) == 2


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        pytest.param(["--user", "ada"], True, id="a reader"),
        pytest.param([], False, id="nobody in particular"),
        pytest.param(["--group", "gardeners", "--group", "staff"], True, id="one of two groups"),
        pytest.param(["--group", "gardeners"], False, id="another group"),
        pytest.param(["--user", "ada", "--tenant", "acme"], False, id="another tenant"),
    ],
)
def test_only_readers_find(run: Run, ingested: Path, who: list[str], *, sees: bool) -> None:
    ran = run("--project", ingested, "search", "docs", SALARIES, *who)
    assert ran.code == 0
    assert ("band 7" in ran.out) == sees


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["nope", "x"], 1, "there are: acme, docs", id="no such knowledge"),
        pytest.param(["docs", ""], 1, "no word", id="no word"),
        pytest.param(["docs", "\udcff"], 2, "not UTF-8", id="no text"),
        pytest.param(["docs", "x", "--limit", "101"], 2, "range", id="too many"),
    ],
)
def test_what_cannot_be_searched(
    run: Run, ingested: Path, arguments: list[str], code: int, said: str
) -> None:
    ran = run("--project", ingested, "search", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_what_was_not_ingested_says_how(run: Run, project: Path) -> None:
    (project / "knowledge" / "new.yaml").write_text("sources: [{folder: documents, readers: ['*']}]\n")
    ran = run("--project", project, "search", "new", "anything", "--json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["code"]) == (1, "knowledge.not_ingested")
    assert "buttress sync" in error["hint"]


def test_nothing_found_is_said(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "search", "docs", ANSWERABLE, "--tenant", "nobody", "--group", "staff")
    assert ran.code == 0
    assert "nothing was found that tenant `nobody` may see as *, group:staff" in ran.err
    assert "knowledge/docs.yaml" in ran.err
