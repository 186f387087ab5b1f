"""What docs/how-to/use-a-language-model.md shows is read without a mistake, and what it types works."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from buttress.cli.main import main
from buttress.kernel.catalogue import Catalogue
from buttress.models.declaration import REQUIRED, read_catalogue
from buttress.models.providers.building import PROVIDERS

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "use-a-language-model.md").read_text("utf-8")
BLOCK = re.compile(r"^(?P<indent> *)```yaml\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^ *\$ buttress (.*)$", re.MULTILINE)

BLOCKS = [
    "".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True))
    for found in BLOCK.finditer(PAGE)
]
RUNGS = "models: {{{models}}}\n{ladders}"
"""What a block of ladders needs around it."""


@pytest.mark.parametrize("text", [one for one in BLOCKS if one.startswith("models:")])
def test_every_models_yaml_is_one(text: str) -> None:
    assert isinstance(read := read_catalogue(text, Path("models.yaml"), PROVIDERS), Catalogue), read


@pytest.mark.parametrize("text", [one for one in BLOCKS if one.startswith("ladders:")])
def test_every_ladder_is_one(text: str) -> None:
    names = set(
        re.findall(r"[a-z]+", re.sub(r"#.*|^\w+:|\w+: [\[{]|hedge_after_ms", "", text, flags=re.MULTILINE))
    )
    whole = RUNGS.format(
        models=", ".join(f"{name}: {{provider: extractive}}" for name in names), ladders=text
    )
    assert isinstance(read := read_catalogue(whole, Path("models.yaml"), PROVIDERS), Catalogue), read


def test_every_block_is_looked_at() -> None:
    assert {one.partition(":")[0] for one in BLOCKS} <= {"models", "ladders", "latency"}
    assert len(BLOCKS) > 8


def test_every_provider_is_told_with_what_it_needs() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for name in PROVIDERS:
        row = next(row for row in rows if f"`{name}`" in row.split("|")[1])
        assert all(f"`{key}`" in row for key in REQUIRED.get(name, ())), row


@pytest.mark.parametrize("command", COMMAND.findall(PAGE))
def test_every_command_that_is_typed_works(tmp_path: Path, command: str) -> None:
    (tmp_path / "buttress.yaml").write_text("")
    (tmp_path / "models.yaml").write_text(
        "models:\n  quotes: {provider: extractive}\nladders:\n  answers: [quotes]\n"
    )
    with CliRunner().isolation():
        assert main(["--project", str(tmp_path), *shlex.split(command)]) == 0
    written = (tmp_path / "models.yaml").read_text()
    assert isinstance(read := read_catalogue(written, tmp_path, PROVIDERS), Catalogue), read
    assert read.ladders["answers"].names == ("writer", "quotes")
