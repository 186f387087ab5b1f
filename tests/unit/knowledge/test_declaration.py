"""Reading `knowledge/NAME.yaml`."""

from pathlib import Path

import pytest

from buttress.knowledge.declaration import invalid, read_knowledge_base, read_knowledge_bases
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
        pytest.param("", ["1: the file: `sources` is missing | Add `sources:`."], id="an empty file"),
        pytest.param("sources: []", ["1: sources: there is none"], id="no source"),
        pytest.param(
            "sources:\n  - folder: a\n",
            ["2: sources.0: `readers` is missing: it is not said who may see the documents | Add"],
            id="it is not said who may read",
        ),
        pytest.param(
            "sources:\n  - {folder: a, reader: ['*']}\n",
            ["2: sources.0: unknown key `reader`", "2: sources.0: `readers` is missing"],
            id="a slip",
        ),
        pytest.param(
            "sources:\n  - {folder: a, readers: ['*']}\n  - {folder: a, readers: ['user:x']}\n",
            ["3: sources.1: a second source called `a`"],
            id="two of one name",
        ),
        pytest.param(
            "sources:\n  - {folder: 1, readers: ['*']}\nchunks: {max_tokens: 1}\nsearch: {limt: 3}\n",
            ["2: sources.0.folder", "3: chunks.max_tokens", "4: search: unknown key `limt`"],
            id="all at once",
        ),
        pytest.param(
            "sources:\n- folder: a\n  readers:\n  - staff\n  - grup:x\n  - 'user:'\n  - user:ada\n",
            [
                '4: sources.0.readers.0: nobody can be `staff` | Write `"group:staff"` or `"user:staff"`',
                '5: sources.0.readers.1: nobody can be `grup:x` | Write `"group:x"`',
                "6: sources.0.readers.2: nobody can be `user:`",
            ],
            id="readers that nobody can be",
        ),
        pytest.param(
            "sources:\n  - {folder: a, readers: everybody}\n",
            ["2: sources.0.readers: expected a list, found a text"],
            id="readers that are no list",
        ),
        pytest.param(
            "sources:\n  - {folder: a, readers: ['*']}\nsearch: {fusion: rff}\n",
            ["3: search.fusion: 'rff' is none of the values that are known | Did you mean `rrf`?"],
            id="a choice nearly",
        ),
        pytest.param(
            "sources:\n  - {folder: a, readers: ['*']}\nsearch: {fusion: 5}\n",
            ["3: search.fusion: expected a text, found a whole number | There are: blend, dbsf, rrf."],
            id="no choice",
        ),
        pytest.param("sources: [", ["2: did not find"], id="no YAML"),
        pytest.param("- a", ["1: the file: expected keys with values"], id="a list"),
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
    error = invalid(found)
    assert error.code == "knowledge.declaration_invalid"
    assert "sources: there is none" in error.message


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Also of one that is not read, since its name is nearly right."""
    (tmp_path / "a.yaml").write_text("sources: []")
    (tmp_path / "b.yaml").write_text("sources:\n  - {folder: b, readers: ['*']}\n")
    (tmp_path / "c.yaml").write_text("tenant: 5")
    (tmp_path / "docs.yml").touch()
    found = read_knowledge_bases(tmp_path)
    assert isinstance(found, list)
    assert [one.where.path.name for one in found] == ["a.yaml", "c.yaml", "c.yaml", "docs.yml"]
    assert found[-1].hint == "Call it `docs.yaml`."
    for path in tmp_path.glob("[acd]*"):
        path.unlink()
    bases = read_knowledge_bases(tmp_path)
    assert isinstance(bases, dict)
    assert list(bases) == ["b"]
