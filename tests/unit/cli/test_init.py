"""`buttress init`: a project that runs at once, and never on top of something."""

import shlex
from pathlib import Path

import pytest

from buttress.app.project import compiled_releases, knowledge_bases
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("new", id="new"),
        pytest.param("a/b/c", id="with its folders"),
        pytest.param(".", id="empty"),
    ],
)
def test_a_project_that_compiles(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    ran = run("init", folder)
    assert (ran.code, ran.err) == (0, "")
    assert list(compiled_releases(folder, knowledge_bases(folder))) == ["support"]
    assert (folder / ".gitignore").read_text() == ".buttress/\n"
    named = {line.strip() for line in ran.out.splitlines() if line.startswith("  /")}
    assert named == {str(path) for path in folder.rglob("*") if path.is_file()}


def test_what_is_said_next_can_be_typed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "it's a project"
    (line,) = [line for line in run("init", folder).out.splitlines() if line.startswith("  cd ")]
    assert shlex.split(line) == ["cd", str(folder)]


def test_settings_are_added_below_what_stands_there(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "p").code == 0
    with (tmp_path / "p" / "buttress.yaml").open("a") as settings:
        settings.write("server:\n  port: 8701\n")
    ran = run("--project", tmp_path / "p", "config", "show")
    assert (ran.code, ran.err) == (0, "")
    assert "server.port = 8701" in ran.out


def test_nothing_is_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ran = run("init", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "is not empty" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_twice(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "p").code == 0
    assert run("init", tmp_path / "p").code == 2


@pytest.mark.parametrize(("name", "code"), [("file", 2), ("file/below", 1)])
def test_a_file_is_no_folder(run: Run, tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "file").write_text("")
    ran = run("init", tmp_path / name)
    assert ran.code == code
    assert ran.err.startswith("error: ")


def test_a_template_there_is_not(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "p", "--template", "nope").code == 2
    assert not (tmp_path / "p").exists()
