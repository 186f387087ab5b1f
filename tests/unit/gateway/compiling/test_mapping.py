"""A stage of `kind: map`: compiled with its two prompts, and every mistake in it with file and line."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.feature import compile_feature
from buttress.kernel.catalogue import Catalogue, Model, plain_ladder
from buttress.prompts.defaults import MERGE_NAME, PIECE_NAME
from buttress.releases.types import MapStage, Release

WRITER = Model(name="writer", provider="openai", id="x")
SMALL = Model(name="small", provider="openai", id="y", window_tokens=220, max_output_tokens=100)
QUOTES = Model(name="quotes", provider="extractive")
CATALOGUE = Catalogue(
    {"writer": WRITER, "quotes": QUOTES, "small": SMALL},
    {"answers": plain_ladder("writer", "quotes")},
)
INPUT = """
input:
  type: object
  properties: {question: {type: string}, path: {type: string}, text: {type: string}}
  required: [question]
"""
TEXT = "text: text, ladder: answers"
DOCUMENT = "knowledge: docs, document: path, ladder: answers"


def compiled(folder: Path, stage: str, *, more: str = "", **files: str) -> Release | list[str]:
    """Return the release of a feature with one stage, or its mistakes in a line each."""
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text)
    declared = f"{INPUT}\nstages:\n  - {{name: read, kind: map, {stage}}}\n{more}"
    (folder / "feature.yaml").write_text(f"{declared}\nfallback: {{kind: text, text: No.}}\n")
    found = compile_feature(folder, CATALOGUE, ["docs"])
    return [f"{one.message} {one.hint}" for one in found] if isinstance(found, list) else found


@pytest.mark.parametrize("stage", [TEXT, DOCUMENT], ids=["a text of the input", "a document"])
def test_without_prompts_of_its_own_it_has_the_default_ones(tmp_path: Path, stage: str) -> None:
    release = compiled(tmp_path, stage)
    assert isinstance(release, Release)
    (compiled_stage,) = release.stages
    assert isinstance(compiled_stage, MapStage)
    assert set(release.prompts) == {PIECE_NAME, MERGE_NAME} == {compiled_stage.prompt, compiled_stage.merge}
    assert release.knowledge == (compiled_stage.knowledge or None)
    assert set(release.models) == {"writer", "quotes"}


def test_prompts_of_its_own_are_kept_and_part_of_the_identity(tmp_path: Path) -> None:
    own = f"{TEXT}, prompt: piece.md, merge: merge.md, max_tokens: 50"
    first = compiled(
        tmp_path, own, piece="# user\n\n{{ piece.place }} {{ piece }}", merge="# user\n\n{{ parts }}"
    )
    other = compiled(tmp_path, own, piece="# user\n\nOther: {{ piece }}")
    assert isinstance(first, Release)
    assert isinstance(other, Release)
    assert set(first.prompts) == {"piece.md", "merge.md"}
    assert first.release_id != other.release_id


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        pytest.param("ladder: answers", "not said, or said twice", id="nothing to read"),
        pytest.param(f"text: text, {DOCUMENT}", "not said, or said twice", id="two things to read"),
        pytest.param("knowledge: docs, ladder: answers", "not said, or said twice", id="no document named"),
        pytest.param("text: txet, ladder: answers", "no property `txet`", id="no such property"),
        pytest.param(
            "knowledge: dosc, document: path, ladder: answers",
            "no knowledge base is called `dosc`",
            id="no such knowledge base",
        ),
        pytest.param("text: text, ladder: quotes", "quotes cannot be merged", id="no model that writes"),
        pytest.param("text: text, ladder: none", "no ladder or model is called `none`", id="no such ladder"),
        pytest.param("text: text, ladder: small", "too small for the prompt", id="a window too small"),
        pytest.param(f"{TEXT}, piece_tokens: 3", "piece_tokens", id="too small a piece"),
        pytest.param(f"{TEXT}, prompt: all.md", "it has no `piece`", id="a prompt without its piece"),
        pytest.param(f"{TEXT}, merge: all.md", "it has no `parts`", id="a merge without its parts"),
        pytest.param(f"{TEXT}, prompt: all.md", "prints `text`, all of what is read", id="all of the text"),
        pytest.param(f"{TEXT}, prompt: odd.md", "there is no `colour`", id="no such field"),
        pytest.param(f"{TEXT}, prompt: gone.md", "there is no file `gone.md`", id="no such file"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, stage: str, said: str) -> None:
    found = compiled(
        tmp_path, stage, all="# user\n\n{{ text }}\n", odd="# user\n\n{{ piece }} {{ piece.colour }}\n"
    )
    assert isinstance(found, list)
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(
            "  - {name: write, kind: generate, ladder: answers}", "always answers", id="a stage behind it"
        ),
        pytest.param("latency: {first_token_ms: 100}", "before all is read", id="a first token"),
    ],
)
def test_what_it_cannot_stand_beside_is_told(tmp_path: Path, more: str, said: str) -> None:
    found = compiled(tmp_path, TEXT, more=more)
    assert isinstance(found, list)
    assert any(said in one for one in found), found


def test_an_input_that_takes_its_names_is_told(tmp_path: Path) -> None:
    declared = INPUT.replace("text: {type: string}}", "text: {type: string}, piece: {type: string}}")
    stage = f"stages:\n  - {{name: read, kind: map, {TEXT}}}\nfallback: {{kind: text, text: No.}}\n"
    (tmp_path / "feature.yaml").write_text(f"{declared}\n{stage}")
    found = compile_feature(tmp_path, CATALOGUE, [])
    assert isinstance(found, list)
    assert "the input has a property `piece`" in found[0].message
