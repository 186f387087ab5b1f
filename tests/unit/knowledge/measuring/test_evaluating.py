"""Labelled queries through an engine."""

import pytest

from buttress.kernel.words import AskedWord
from buttress.knowledge.measuring.evaluating import score, stage_times
from buttress.knowledge.measuring.types import LabelledQuery, Relevant
from buttress.knowledge.search_types import Found, StageReport
from tests.unit.knowledge.measuring.conftest import PassageMaker

ASKED: tuple[AskedWord, ...] = ()


def test_what_was_found_is_scored_by_documents(make_passage: PassageMaker) -> None:
    passages = (make_passage("1", "b.md"), make_passage("2", "b.md"), make_passage("3", "a.md"))
    metrics = score(Found(passages, ()), LabelledQuery("x", (Relevant("a.md"), Relevant("c.md"))))
    assert (metrics["MRR"], metrics["recall@5"], metrics["hit@1"]) == (0.5, 0.5, 0)


def _report(name: str, duration_ms: float, *, skipped: bool = False) -> StageReport:
    return StageReport(name=name, duration_ms=duration_ms, skipped=skipped)


def test_times_of_stages_in_their_order() -> None:
    reports = [_report("embed", one) for one in (5.0, 1.0, 3.0)]
    reports += [_report("dense", 2.0), _report("dense", 9.0, skipped=True)]
    embed, dense = stage_times(reports)
    assert (embed.name, embed.p50_ms, embed.p95_ms, embed.skipped) == ("embed", 3.0, 5.0, 0)
    assert (dense.name, dense.p50_ms, dense.skipped) == ("dense", 2.0, 1)


@pytest.mark.parametrize("reports", [[]])
def test_no_search_has_no_stages(reports: list[StageReport]) -> None:
    assert stage_times(reports) == ()
