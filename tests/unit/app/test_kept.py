"""The last project without mistakes, kept."""

from pathlib import Path

import msgspec
import pytest

from buttress.app.declared import Declared, fingerprint, read_declared
from buttress.app.kept import forget_others, keep, read_current, read_kept, rules_folder
from buttress.app.layout import releases_folder
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.kernel.catalogue import Catalogue
from buttress.processes.errors import RunFolderUnusable
from buttress.releases.errors import RuleUnloadable
from tests.unit.server.serving import RULES, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a Python function as a rule."""
    return write_project(tmp_path / "project")


def test_what_is_kept_is_read_again(project: Path) -> None:
    assert read_kept(project) is None
    declared = read_declared(project, "abc")
    keep(project, declared)
    assert read_kept(project) == declared


def test_files_that_are_kept_are_not_compiled_again(project: Path) -> None:
    """What was kept is taken for what it says: here that there is nothing."""
    nothing = Declared(
        catalogue=Catalogue({}, {}), fingerprint=fingerprint(project), knowledge={}, releases={}
    )
    keep(project, nothing)
    assert read_current(project) == nothing
    (project / "models.yaml").write_text((project / "models.yaml").read_text() + "\n")
    assert list(read_current(project).releases) == ["chat", "support"]
    (project / "models.yaml").write_text("models: 7\n")
    with pytest.raises(FeatureInvalid):
        read_current(project)


def test_the_functions_of_a_release_stay_as_they_were(project: Path) -> None:
    declared = read_declared(project, "abc")
    chat = declared.releases["chat"]
    assert rules_folder(project, chat) == project / "features" / "chat"
    keep(project, declared)
    (project / "features" / "chat" / "rules.py").write_text("def answer(input): return 'edited'\n")
    assert (rules_folder(project, chat) / "rules.py").read_text() == RULES
    keep(project, declared)  # by another process, which compiled it before the edit
    assert (rules_folder(project, chat) / "rules.py").read_text() == RULES


def test_a_function_that_was_edited_meanwhile_is_not_kept_as_what_was_compiled(project: Path) -> None:
    declared = read_declared(project, "abc")
    (project / "features" / "chat" / "rules.py").write_text("def answer(input): return 'edited'\n")
    with pytest.raises(RuleUnloadable, match=r"rules\.py"):
        keep(project, declared)
    assert read_kept(project) is None


def test_functions_of_earlier_releases_are_forgotten_at_a_start(project: Path) -> None:
    keep(project, read_declared(project, "abc"))
    rules = project / "features" / "chat" / "rules.py"
    rules.write_text(RULES + "\n")
    changed = read_declared(project, "def")
    keep(project, changed)
    assert len(list(releases_folder(project).glob("rel_*"))) == 2
    forget_others(project, changed)
    assert [one.name for one in releases_folder(project).glob("rel_*")] == [
        changed.releases["chat"].release_id
    ]


@pytest.mark.parametrize("broken", [b"", b"{", b'{"fingerprint": 7}', b"\xff", b'{"fingerprint": "\xff"}'])
def test_what_cannot_be_read_was_not_kept(project: Path, broken: bytes) -> None:
    keep(project, read_declared(project, "abc"))
    (releases_folder(project) / "current.json").write_bytes(broken)
    assert read_kept(project) is None


def test_a_release_that_somebody_changed_was_not_kept(project: Path) -> None:
    declared = read_declared(project, "abc")
    other = msgspec.structs.replace(declared.releases["chat"], description="other")
    keep(project, msgspec.structs.replace(declared, releases={"chat": other}))
    assert read_kept(project) is None


def test_a_folder_that_cannot_be_written_is_said(project: Path) -> None:
    releases_folder(project).parent.mkdir()
    releases_folder(project).write_text("a file in the way")
    with pytest.raises(RunFolderUnusable):
        keep(project, Declared(catalogue=Catalogue({}, {}), fingerprint="abc", knowledge={}, releases={}))
