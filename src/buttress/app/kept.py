"""The last project without mistakes, kept in `.buttress/releases`.

A process starts with it when the files are the very ones that were compiled, and when they are broken. The
Python files of rules are kept beside it: a release that goes on answering needs them as they were.
"""

import shutil
from pathlib import Path

import msgspec

from buttress.app.declared import Declared, fingerprint, read_declared
from buttress.app.layout import make_kept_folder, releases_folder
from buttress.kernel.errors import UNDECODABLE
from buttress.processes.announcing import replace_file
from buttress.releases.errors import RuleUnloadable
from buttress.releases.types import FunctionRule, Release, RulesStage, file_sha256, identified


def read_kept(project: Path) -> Declared | None:
    """Return what was kept last; None when there is nothing, or nothing that is what it says."""
    try:
        kept = msgspec.json.decode(_current(project).read_bytes(), type=Declared)
    except (OSError, *UNDECODABLE):
        return None
    true = all(identified(one).release_id == one.release_id for one in kept.releases.values())
    return kept if true else None


def read_current(project: Path) -> Declared:
    """Return what the files of `project` say: as kept if they are the very ones, else compiled.

    Raises:
        DeclarationInvalid, FeatureInvalid, BudgetsInvalid, LimitsInvalid, WebhooksInvalid: with the
            mistakes in these files.
    """
    now, kept = fingerprint(project), read_kept(project)
    return kept if kept and kept.fingerprint == now else read_declared(project, now)


def keep(project: Path, declared: Declared) -> None:
    """Keep `declared`, which the files of `project` were compiled to, in the place of what was kept before.

    The files of rules of earlier releases stay: other processes, and calls under way, may still ask them.

    Raises:
        RuleUnloadable: the file of a rule is not the compiled one any more; nothing was replaced.
        RunFolderUnusable: the folder cannot be written.
    """
    make_kept_folder(project)
    for release in declared.releases.values():
        for name, sha256 in _function_files(release).items():
            source = _source(project, release, name, sha256)
            replace_file(_folder(project, release) / name, source)
    replace_file(_current(project), msgspec.json.encode(declared))


def forget_others(project: Path, declared: Declared) -> None:
    """Remove the files of rules of all releases but those of `declared`; only while nothing else runs."""
    wanted = {_folder(project, release) for release in declared.releases.values()}
    for folder in releases_folder(project).glob("rel_*"):
        if folder not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


def rules_folder(project: Path, release: Release) -> Path:
    """Return where the Python files of `release` are: kept ones first, since people edit the others."""
    kept = _folder(project, release)
    return kept if kept.is_dir() else _feature(project, release)


def _current(project: Path) -> Path:
    return releases_folder(project) / "current.json"


def _folder(project: Path, release: Release) -> Path:
    return releases_folder(project) / release.release_id


def _feature(project: Path, release: Release) -> Path:
    return project / "features" / release.feature


def _function_files(release: Release) -> dict[str, str]:
    stages = [stage for stage in release.stages if isinstance(stage, RulesStage)]
    rules = [rule for stage in stages for rule in stage.rules if isinstance(rule, FunctionRule)]
    return {rule.file: rule.sha256 for rule in rules}


def _source(project: Path, release: Release, name: str, sha256: str) -> bytes:
    """Return a file of a rule, from where it still is what was compiled."""
    for folder in (_feature(project, release), _folder(project, release)):
        path = folder / name
        if path.is_file() and file_sha256(data := path.read_bytes()) == sha256:
            return data
    raise RuleUnloadable(f"{name} of the feature {release.feature} is not the file that was compiled")
