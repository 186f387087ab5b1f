"""A project's knowledge, measured: labels beside the declaration, the engine that answers calls."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from buttress.app.buttress import Buttress
from buttress.app.layout import index_folder, knowledge_folder
from buttress.app.project import knowledge_bases
from buttress.kernel.chance import SeededChance
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.generations import active_generation
from buttress.knowledge.errors import UnknownKnowledge
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.measuring.errors import LabelsMissing
from buttress.knowledge.measuring.evaluating import Evaluated, evaluate
from buttress.knowledge.measuring.labels import placed, read_labels
from buttress.knowledge.measuring.types import Evaluation
from buttress.knowledge.types import KnowledgeBase

SEED = 20_261_121
"""Of every draw in measurements: equal labels and an equal index give equal figures."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: a knowledge base, as `scope` sees it, by the labels at `labels` or its own."""

    knowledge: str
    scope: Scope
    labels: Path | None = None


async def evaluate_knowledge(
    buttress: Buttress, asked: Measured, told: Callable[[int, int], None] = lambda _, __: None
) -> Evaluation:
    """Return how well the labelled queries of a knowledge base are answered now, by the engine of calls.

    Raises:
        UnknownKnowledge, NotIngested: the knowledge base.
        LabelsMissing, LabelsInvalid: its labels.
        ButtressError: what a search may fail with.
    """
    base = declared_base(buttress.project, asked.knowledge)
    path = asked.labels or labels_file(buttress.project, base.name)
    if not path.exists():
        raise LabelsMissing(f"there are no labelled queries: no {path}")
    labels = placed(read_labels(path), await _documents(buttress, base, asked.scope))
    measured = Evaluated(
        knowledge=base.name,
        scope=asked.scope,
        engine=buttress.engine,
        clock=buttress.clock,
        chance=SeededChance(SEED),
    )
    return await evaluate(measured, labels, told)


def declared_base(project: Path, name: str) -> KnowledgeBase:
    """Return the knowledge base `name` as its file declares it.

    Raises:
        UnknownKnowledge: there is none.
        DeclarationInvalid: with every mistake in every file.
    """
    bases = knowledge_bases(project)
    if name not in bases:
        known = ", ".join(sorted(bases)) or "none"
        raise UnknownKnowledge(f"there is no knowledge base `{name}`; there are: {known}")
    return bases[name]


def labels_file(project: Path, name: str) -> Path:
    """The labelled queries of a knowledge base, beside its declaration."""
    return knowledge_folder(project) / f"{name}.labels.jsonl"


async def _documents(buttress: Buttress, base: KnowledgeBase, scope: Scope) -> set[str]:
    folder = index_folder(buttress.project)
    searched = active_generation(folder, base.name) or await buttress.engine.status()
    table = await (await open_index(folder)).table(base.name, searched.fingerprint, searched.dimensions)
    return {one.document for one in await table.places(visible_clause(scope, base))}
