"""Reading `knowledge/NAME.yaml`."""

from pathlib import Path

import pytest

from buttress.knowledge.declaration import invalid, read_knowledge_base
from buttress.knowledge.types import ChunkSettings, FolderSource, KnowledgeBase


def declared(folder: Path, text: str, name: str = "handbook.yaml") -> KnowledgeBase | list[str]:
    """Read a declaration; give mistakes as `line: message | hint`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    found = read_knowledge_base(path)
    if isinstance(found, KnowledgeBase):
        return found
    return [f"{mistake.where.line}: {mistake.message} | {mistake.hint}" for mistake in found]


def test_a_whole_declaration(tmp_path: Path) -> None:
    """The name is the file's; what is left out has a default."""
    text = """\
tenant: acme
sources:
  - folder: documents
    include: ["**/*"]
    exclude: ["**/README.md"]
    readers: ["*"]
chunks: {max_tokens: 300}
search: {fusion: rrf}
"""
    base = declared(tmp_path, text)
    assert isinstance(base, KnowledgeBase)
    assert (base.name, base.tenant, base.search.fusion, base.search.depth) == ("handbook", "acme", "rrf", 100)
    assert base.chunks == ChunkSettings(max_tokens=300)
    assert base.sources == (FolderSource(folder="documents", readers=("*",), exclude=("**/README.md",)),)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        pytest.param("", ["1: the file: Object missing required field `sources`"], id="an empty file"),
        pytest.param("sources: []", ["1: sources: there is none"], id="no source"),
        pytest.param(
            "sources:\n  - folder: a\n",
            ["2: sources.0: Object missing required field `readers`"],
            id="it is not said who may read",
        ),
        pytest.param(
            "sources:\n  - {folder: a, reader: ['*']}\n", ["2: sources.0: unknown key `reader`"], id="a slip"
        ),
        pytest.param(
            "sources:\n  - {folder: a, readers: ['*']}\n  - {folder: a, readers: [x]}\n",
            ["3: sources.1: a second source called `a`"],
            id="two of one name",
        ),
        pytest.param(
            "sources:\n  - {folder: 1, readers: ['*']}\nchunks: {max_tokens: 1}\nsearch: {limt: 3}\n",
            ["2: sources.0.folder", "3: chunks.max_tokens", "4: search: unknown key `limt`"],
            id="all at once",
        ),
        pytest.param("sources: [", ["2: did not find"], id="no YAML"),
        pytest.param("- a", ["1: the file: Expected `object`"], id="a list"),
    ],
)
def test_mistakes_name_their_line(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    """Each with what would be right."""
    found = declared(tmp_path, text)
    assert isinstance(found, list)
    assert len(found) == len(mistakes), found
    for one, expected in zip(found, mistakes, strict=True):
        assert one.startswith(expected)
        assert not one.endswith("| ")


def test_a_name_that_is_none(tmp_path: Path) -> None:
    """It stands in paths, tables and URLs."""
    found = declared(tmp_path, "sources:\n  - {folder: a, readers: ['*']}\n", "My Base.yaml")
    assert isinstance(found, list)
    assert len(found) == 1
    assert found[0].startswith("None: `My Base` is no name for a knowledge base | Use small letters")


@pytest.mark.parametrize("content", [None, b"a: \xff"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """Missing, or not text."""
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    found = read_knowledge_base(path)
    assert isinstance(found, list)
    assert len(found) == 1


def test_all_mistakes_in_one_error(tmp_path: Path) -> None:
    """For the edge of the room."""
    path = tmp_path / "a.yaml"
    path.write_text("sources: []")
    found = read_knowledge_base(path)
    assert isinstance(found, list)
    error = invalid(path, found)
    assert error.code == "knowledge.declaration_invalid"
    assert "sources: there is none" in error.message
