"""The files of a project: its knowledge bases, its models, its features compiled to releases."""

from collections.abc import Mapping
from pathlib import Path

from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.kernel.catalogue import Catalogue
from buttress.knowledge.declaration import invalid, read_knowledge_bases
from buttress.knowledge.types import KnowledgeBase
from buttress.releases.types import Release


def knowledge_bases(project: Path) -> dict[str, KnowledgeBase]:
    """Return every knowledge base declared in `knowledge/`, by its name.

    Raises:
        DeclarationInvalid: with every mistake in every file.
    """
    found = read_knowledge_bases(project / "knowledge")
    if isinstance(found, list):
        raise invalid(found)
    return found


def declared_models(project: Path) -> Catalogue:
    """Return the models and ladders of models.yaml.

    Raises:
        FeatureInvalid: with every mistake in it.
    """
    from buttress.gateway.compiling.project import read_models  # noqa: PLC0415 - not for the engine

    found = read_models(project)
    if isinstance(found, list):
        raise FeatureInvalid(found)
    return found


def compiled_releases(project: Path, knowledge: Mapping[str, KnowledgeBase]) -> dict[str, Release]:
    """Return the release of each feature of the project, by the feature's name.

    Raises:
        FeatureInvalid: with every mistake in every feature, and in models.yaml.
    """
    from buttress.gateway.compiling.project import compile_project  # noqa: PLC0415 - not for the engine

    compiled = compile_project(project, set(knowledge))
    if isinstance(compiled, list):
        raise FeatureInvalid(compiled)
    return compiled
