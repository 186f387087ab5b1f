"""`buttress demo`: an answer without keys; what people changed in the copy stays."""

from pathlib import Path
from shutil import copytree

import pytest

from buttress.cli.demo import MARK
from tests.projects import EXAMPLE, make_project, without_progress
from tests.unit.cli.conftest import Run


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "the file of the local model small: No such file or directory", id="no file"),
        pytest.param(b"nothing of the kind", "the file of the local model small is not a GGUF", id="no GGUF"),
        pytest.param(b"GGUF but broken", None, id="one that cannot be loaded"),
    ],
)
def test_without_its_model_quotes_answer_and_one_line_says_so(
    run: Run, ingested_example: Path, tmp_path: Path, content: bytes | None, said: str | None
) -> None:
    folder = copytree(ingested_example, tmp_path / "demo")
    models = folder / "models.yaml"
    models.write_text(
        (EXAMPLE / "models.yaml")
        .read_text()
        .replace("{provider: local, ", "{provider: local, path: my.gguf, ")
    )
    if content:
        (folder / "my.gguf").write_bytes(content)
    ran = run("demo", "--dir", folder)
    assert (ran.code, without_progress(ran.err)) == (0, "")
    told = [line for line in ran.out.splitlines() if "local model" in line]
    assert told == ([f"No local model, quotes answer: {said}"] if said else [])
    assert "EUR 600 up to 50 GB" in ran.out
    code = "models.local_broken" if content else "models.local_missing"
    assert f"answered · model quotes · small failed ({code})" in ran.out


def test_a_folder_of_other_things_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ran = run("demo", "--dir", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "--dir DIR" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_project_of_somebody_is_left_alone(run: Run, tmp_path: Path) -> None:
    make_project(tmp_path / "mine")
    before = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    ran = run("demo", "--dir", tmp_path / "mine")
    assert (ran.code, ran.out) == (2, "")
    assert "nothing was changed" in ran.err
    after = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    assert after == before


def test_a_folder_that_cannot_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run("demo", "--dir", tmp_path / "file" / "demo")
    assert ran.code == 1
    assert ran.err.startswith("error: ")


def test_a_broken_copy_fails(run: Run, tmp_path: Path) -> None:
    """A script that runs the demo must see that there was no answer."""
    (tmp_path / MARK).parent.mkdir()
    (tmp_path / MARK).write_text("sources: 7\n")
    ran = run("demo", "--dir", tmp_path)
    assert ran.code == 2
    assert "kestrel.yaml:1" in ran.err
