"""`buttress demo`: an answer without keys; what people changed in the copy stays."""

from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from buttress.cli.demo import FEATURE, MARK
from buttress.settings.loading import load_settings
from tests.projects import EXAMPLE, make_project, without_progress
from tests.unit.cli.conftest import Run


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twice(run: Run, tmp_path: Path) -> None:
    """The second time reads nothing again, and leaves changes alone."""
    folder = tmp_path / "demo"
    first = run("demo", "--dir", folder)
    assert first.code == 0
    assert "answered · model " in first.out
    assert "\nSources\n" in first.out
    next_steps = first.out.partition("\nNext:\n")[2].splitlines()[::2]
    assert [line.split()[-1] for line in next_steps] == ["list", "serve", "my-project"]
    assert load_settings(folder, environment={}).tree.server.drills
    feature = folder / "features" / FEATURE / "feature.yaml"
    feature.write_text(feature.read_text() + "\n# mine\n")
    second = run("demo", "--dir", folder, "what is a \x1b[31mblackout date\udcff")
    assert second.code == 2
    assert "not UTF-8" in second.err
    third = run("demo", "--dir", folder, "Who are you\x1b[31m?")
    assert third.code == 0
    assert "unchanged; 0 chunks read, 0 embedded" in third.out
    assert "\x1b" not in third.out
    assert feature.read_text().endswith("# mine\n")


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
    run: Run, tmp_path: Path, content: bytes | None, said: str | None
) -> None:
    folder = tmp_path / "demo"
    copytree(EXAMPLE, folder, ignore=ignore_patterns(".buttress", "__pycache__"))
    models = folder / "models.yaml"
    models.write_text(models.read_text().replace("{provider: local, ", "{provider: local, path: my.gguf, "))
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
