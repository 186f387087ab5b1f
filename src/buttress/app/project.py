"""The files of a project: its knowledge bases, its models, its features compiled to releases."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from buttress.access.errors import LimitsInvalid
from buttress.access.limits import Limit
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import ButtressError, Mistake, listing
from buttress.knowledge.declaration import read_knowledge_bases
from buttress.knowledge.errors import DeclarationInvalid
from buttress.knowledge.types import KnowledgeBase
from buttress.releases.types import Release
from buttress.spend.budgets import Budget
from buttress.spend.errors import BudgetsInvalid
from buttress.watch.errors import WebhooksInvalid
from buttress.watch.types import Route

T = TypeVar("T")


def knowledge_bases(project: Path) -> dict[str, KnowledgeBase]:
    """Return every knowledge base declared in `knowledge/`, by its name.

    Raises:
        DeclarationInvalid: with every mistake in every file.
    """
    return _right(read_knowledge_bases(project / "knowledge"), DeclarationInvalid)


def declared_models(project: Path) -> Catalogue:
    """Return the models and ladders of models.yaml, with the prices that are known of them. It blocks.

    Raises:
        FeatureInvalid: with every mistake in it.
    """
    from buttress.app.pricing import with_prices  # noqa: PLC0415 - not for the engine
    from buttress.gateway.compiling.project import read_models  # noqa: PLC0415 - the same

    return with_prices(_right(read_models(project)), project)


def declared_budgets(project: Path) -> tuple[Budget, ...]:
    """Return the budgets of budgets.yaml, by name; none where there is no such file.

    Raises:
        BudgetsInvalid: with every mistake in it.
    """
    from buttress.gateway.compiling.project import read_budget_file  # noqa: PLC0415 - not for the engine

    return _right(read_budget_file(project), BudgetsInvalid)


def declared_limits(project: Path) -> tuple[Limit, ...]:
    """Return the limits of limits.yaml, by name; none where there is no such file.

    Raises:
        LimitsInvalid: with every mistake in it.
    """
    from buttress.gateway.compiling.project import read_limit_file  # noqa: PLC0415 - not for the engine

    return _right(read_limit_file(project), LimitsInvalid)


def declared_webhooks(project: Path) -> tuple[Route, ...]:
    """Return the webhooks of alerts.yaml, by name; none where there is no such file.

    Raises:
        WebhooksInvalid: with every mistake in it.
    """
    from buttress.gateway.compiling.project import read_alert_file  # noqa: PLC0415 - not for the engine

    return _right(read_alert_file(project), WebhooksInvalid)


def compiled_releases(project: Path, knowledge: Mapping[str, KnowledgeBase]) -> dict[str, Release]:
    """Return the release of each feature of the project, by the feature's name.

    Raises:
        FeatureInvalid: with every mistake in every feature, and in models.yaml.
    """
    from buttress.gateway.compiling.project import compile_project  # noqa: PLC0415 - not for the engine

    return _right(compile_project(project, set(knowledge)))


def _right(found: T | list[Mistake], kind: type[ButtressError] = FeatureInvalid) -> T:
    """Return what was found in files that hold no mistakes.

    Raises:
        ButtressError: of that kind, with every mistake.
    """
    if isinstance(found, list):
        raise listing(kind, found)
    return found
