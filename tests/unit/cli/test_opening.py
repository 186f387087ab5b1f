"""From the options before a command to the project that is meant."""

import logging
from pathlib import Path

import pytest

from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings, project_folder
from buttress.settings.errors import ProjectMissing, SettingsInvalid
from tests.unit.cli.conftest import Run


def test_the_named_folder(ingested: Path) -> None:
    assert project_folder(Invocation(ingested, ())) == ingested


def test_a_folder_inside_the_project(ingested: Path) -> None:
    assert project_folder(Invocation(ingested / "features" / "support", ())) == ingested


def test_a_folder_that_is_not_there_is_not_looked_for_further_up(ingested: Path) -> None:
    """A slip must not be answered from another project."""
    with pytest.raises(ProjectMissing, match="suport"):
        project_folder(Invocation(ingested / "suport", ()))


def test_no_project_anywhere(tmp_path: Path) -> None:
    with pytest.raises(ProjectMissing):
        project_folder(Invocation(tmp_path, ()))


def test_without_a_name_the_present_folder(command: Run, ingested: Path, tmp_path: Path) -> None:
    assert "support" in command("releases", cwd=ingested / "documents").out
    ran = command("releases", cwd=tmp_path)
    assert ran.code == 2
    assert "buttress init" in ran.err


def test_flags_are_settings(ingested: Path) -> None:
    loaded = loaded_settings(Invocation(ingested, ("server.port=9999",)))
    assert (loaded.project, loaded.tree.server.port) == (ingested, 9999)
    with pytest.raises(SettingsInvalid):
        loaded_settings(Invocation(ingested, ("server.port=many",)))


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        pytest.param((), logging.WARNING, id="quiet, unless told otherwise"),
        pytest.param(("tracing.log_level=debug",), logging.DEBUG, id="told otherwise"),
    ],
)
def test_log_lines_are_few(ingested: Path, flags: tuple[str, ...], level: int) -> None:
    loaded_settings(Invocation(ingested, flags))
    assert logging.getLogger("buttress").level == level
