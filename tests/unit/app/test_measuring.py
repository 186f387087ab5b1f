"""A project's knowledge measured by labels beside its declaration."""

from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.measuring import Measured, evaluate_knowledge, labels_file
from buttress.kernel.scope import Scope, scope_for
from buttress.knowledge.errors import UnknownKnowledge
from buttress.knowledge.measuring.errors import LabelsMissing
from tests.projects import ANSWERABLE, OTHER_MODEL, SALARIES

LABELS = f"""
{{"query": "{ANSWERABLE}", "relevant": [{{"document": "welcome.md"}}]}}
{{"query": "{SALARIES}", "relevant": [{{"document": "salaries"}}]}}
"""
EVERYBODY = Scope("default")


def _labelled(project: Path) -> Path:
    path = labels_file(project, "docs")
    path.write_text(LABELS, "utf-8")
    return path


async def test_labels_beside_the_declaration_are_asked(project: Path) -> None:
    _labelled(project)
    told: list[tuple[int, int]] = []
    async with Buttress.open(project) as buttress:
        asked = Measured(knowledge="docs", scope=scope_for("default", "ada", ()))
        found = await evaluate_knowledge(buttress, asked, lambda *one: told.append(one))
    assert (found.origin, found.count, found.notes) == ("labels", 2, ())
    assert found.metrics["hit@1"].mean == 1
    assert {"dense", "bm25"} <= {one.name for one in found.stages}
    assert 0 < found.whole_ms[0] <= found.whole_ms[1]
    assert told == [(1, 2), (2, 2)]


async def test_while_another_model_is_taken_in_the_one_that_is_searched_is_measured(project: Path) -> None:
    _labelled(project)
    async with Buttress.open(project, flags=(OTHER_MODEL,)) as buttress:
        found = await evaluate_knowledge(buttress, Measured(knowledge="docs", scope=EVERYBODY))
    assert found.metrics["hit@1"].mean == 0.5


async def test_what_may_not_be_seen_is_told_and_not_found(project: Path) -> None:
    _labelled(project)
    async with Buttress.open(project) as buttress:
        found = await evaluate_knowledge(buttress, Measured(knowledge="docs", scope=EVERYBODY))
    assert "`salaries`" in found.notes[0]
    assert found.metrics["hit@10"].mean == 0.5
    assert found.queries[0].query == SALARIES  # the worst comes first


async def test_without_labels_it_says_where_to_write_them(project: Path) -> None:
    labels_file(project, "docs").unlink(missing_ok=True)
    async with Buttress.open(project) as buttress:
        with pytest.raises(LabelsMissing, match=r"docs\.labels\.jsonl"):
            await evaluate_knowledge(buttress, Measured(knowledge="docs", scope=EVERYBODY))
        with pytest.raises(UnknownKnowledge, match="there are: acme, docs"):
            await evaluate_knowledge(buttress, Measured(knowledge="nope", scope=EVERYBODY))
