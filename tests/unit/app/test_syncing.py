"""Syncs of a project, put together."""

from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.layout import sources_folder
from buttress.app.syncing import check_names
from buttress.knowledge.errors import SourceEmptied, UnknownKnowledge
from buttress.knowledge.ingest_types import SyncPlan
from tests.projects import write_document


@pytest.mark.slow
async def test_a_plan_is_what_is_done(project: Path) -> None:
    """Of all that is declared, and of what is no more."""
    told: list[SyncPlan] = []
    async with Buttress.open(project) as buttress:
        await buttress.ingest()
        write_document(project / "documents" / "pets.md", "# Pets\n\nAn otter may be brought to work.\n")
        (project / "knowledge" / "acme.yaml").unlink()
        (sources_folder(project) / "acme").mkdir(parents=True)
    async with Buttress.open(project) as buttress:
        plans = await buttress.plan()
        assert [(one.knowledge, one.forgotten, one.new) for one in plans] == [
            ("acme", True, ()),
            ("docs", False, ("pets.md",)),
        ]
        reports = await buttress.ingest(on_plan=told.append)
        assert [(one.knowledge, one.forgotten, one.added) for one in reports] == [
            ("acme", True, 0),
            ("docs", False, 1),
        ]
        assert told == [plans[1]]
        assert not (sources_folder(project) / "acme").exists()  # what its sources kept goes with it
        (project / "knowledge" / "docs.yaml").unlink()
    async with Buttress.open(project) as buttress:
        with pytest.raises(SourceEmptied):
            await buttress.plan()
        (plan,) = await buttress.plan(allow_empty=True)
        assert (plan.knowledge, plan.forgotten) == ("docs", True)


def test_names_that_nobody_declares() -> None:
    check_names({}, [])
    with pytest.raises(UnknownKnowledge, match="there is no knowledge base `a`; there are: none"):
        check_names({}, ["a"])
