"""All features of a project, with the models they use."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from buttress.access.declaration import read_limits
from buttress.access.limits import Limit
from buttress.gateway.compiling.feature import compile_feature, mistakes_in
from buttress.gateway.compiling.files import Unreadable, read_file
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import Location, Mistake
from buttress.models.declaration import read_catalogue
from buttress.models.providers.building import PROVIDERS
from buttress.releases.types import Release
from buttress.spend.budgets import Budget
from buttress.spend.declaration import read_budgets
from buttress.watch.declaration import read_routes
from buttress.watch.types import Route

T = TypeVar("T")

FEATURES = "features"
MODELS_FILE = "models.yaml"
BUDGETS_FILE = "budgets.yaml"
ALERTS_FILE = "alerts.yaml"
LIMITS_FILE = "limits.yaml"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME_HINT = "Use small letters, digits and -; begin with a letter or a digit; at most 63 characters."


def compile_project(
    project: Path, knowledge: Collection[str], providers: Collection[str] = PROVIDERS
) -> dict[str, Release] | list[Mistake]:
    """Return the release of each feature of `project` by its name, or every mistake in its files.

    `knowledge` are the names of its knowledge bases, `providers` what a model may name. A project without
    models.yaml has no models; one without `features/` has no features.
    """
    catalogue = read_models(project, providers)
    known = None if isinstance(catalogue, list) else catalogue
    folders = _feature_folders(project)
    if isinstance(folders, Mistake):
        return [folders]
    results = {folder.name: compile_feature(folder, known, knowledge) for folder in folders}
    mistakes = [
        *(catalogue if isinstance(catalogue, list) else []),
        *(one for folder in folders for one in _name_mistakes(folder, known)),
        *mistakes_in(list(results.values())),
    ]
    return mistakes or _releases(results)


def read_models(project: Path, providers: Collection[str] = PROVIDERS) -> Catalogue | list[Mistake]:
    """Return the models and ladders of models.yaml, none without such a file; or its mistakes."""
    return _read(project, MODELS_FILE, Catalogue({}, {}), partial(read_catalogue, providers=providers))


def read_budget_file(project: Path) -> tuple[Budget, ...] | list[Mistake]:
    """Return the budgets of budgets.yaml, none without such a file; or its mistakes."""
    return _read(project, BUDGETS_FILE, (), read_budgets)


def read_alert_file(project: Path) -> tuple[Route, ...] | list[Mistake]:
    """Return the webhooks of alerts.yaml, none without such a file; or its mistakes."""
    return _read(project, ALERTS_FILE, (), read_routes)


def read_limit_file(project: Path) -> tuple[Limit, ...] | list[Mistake]:
    """Return the limits of limits.yaml, none without such a file; or its mistakes."""
    return _read(project, LIMITS_FILE, (), read_limits)


def _read(
    project: Path, name: str, nothing: T, read: Callable[[str, Path], T | list[Mistake]]
) -> T | list[Mistake]:
    """Return what `read` makes of the file `name`, `nothing` where there is none; or its mistakes."""
    path = project / name
    if not path.exists() and not path.is_symlink():
        return _misnamed(project, name) or nothing
    file = read_file(project, name)
    return [file.at(Location(path))] if isinstance(file, Unreadable) else read(file.text, path)


def _misnamed(project: Path, right: str) -> list[Mistake]:
    """Return a mistake for each file that was meant to be `right`: `limits.yml` or `limit.yaml`."""
    what = right.removesuffix(".yaml")
    found = [project / name for name in (f"{what}.yml", f"{what[:-1]}.yaml") if (project / name).is_file()]
    return [
        Mistake(Location(one), f"this file is not read: {what} stand in {right}", "Rename it.")
        for one in found
    ]


def _feature_folders(project: Path) -> list[Path] | Mistake:
    features = project / FEATURES
    try:
        if not features.exists():
            return []
        return sorted(one for one in features.iterdir() if one.is_dir() and one.name[0] not in "._")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        return Mistake(Location(features), f"{reason}", "Make it a folder that Buttress may read.")


def _name_mistakes(folder: Path, catalogue: Catalogue | None) -> Iterator[Mistake]:
    where, name = Location(folder), folder.name
    if not _NAME.fullmatch(name):
        yield Mistake(where, f"`{name}` is no name for a feature", _NAME_HINT)
    if catalogue and (name in catalogue.models or name in catalogue.ladders):
        message = f"`{name}` is a model or ladder of {MODELS_FILE}, too"
        yield Mistake(where, message, "Rename one: requests name a feature or a model in the same place.")


def _releases(results: Mapping[str, Release | list[Mistake]]) -> dict[str, Release]:
    return {name: release for name, release in results.items() if isinstance(release, Release)}
