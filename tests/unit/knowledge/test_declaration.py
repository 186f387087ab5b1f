"""Reading `knowledge/NAME.yaml`."""

from pathlib import Path

import pytest

from buttress.knowledge.declaration import read_knowledge_base, read_knowledge_bases
from buttress.knowledge.sources.declared import KINDS
from buttress.knowledge.types import (
    BucketSource,
    ChunkSettings,
    FileSource,
    FolderSource,
    GitSource,
    KnowledgeBase,
    SitemapSource,
    UrlSource,
)


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


def test_what_the_documentation_shows_is_a_declaration(tmp_path: Path) -> None:
    """With a source of each kind."""
    page = Path(__file__).parents[3] / "docs" / "how-to" / "read-other-sources.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    base = declared(tmp_path, example)
    assert isinstance(base, KnowledgeBase), base
    assert {type(one) for one in base.sources} == set(KINDS.values())


def test_every_kind_of_source(tmp_path: Path) -> None:
    """Each is known by the key that names its place; of a repository a folder may be meant."""
    text = """\
sources:
  - {folder: documents, readers: ["*"]}
  - {file: manual.pdf, readers: ["*"]}
  - {git: "https://git.example/x", revision: v1, folder: docs, readers: ["*"]}
  - {url: "https://a.example/faq", readers: ["*"]}
  - {url: ["https://b.example/x", "https://b.example/y"], name: pages, readers: ["*"]}
  - {sitemap: "https://c.example/sitemap.xml", include: ["docs/**"], allow_private: true, readers: ["*"]}
  - {bucket: "s3://shelf/docs", access_key: "env:A", secret_key: "env:S", readers: ["*"]}
"""
    base = declared(tmp_path, text)
    assert isinstance(base, KnowledgeBase)
    assert base.sources == (
        FolderSource(folder="documents", readers=("*",)),
        FileSource(file="manual.pdf", readers=("*",)),
        GitSource(git="https://git.example/x", revision="v1", folder="docs", readers=("*",)),
        UrlSource(url="https://a.example/faq", readers=("*",)),
        UrlSource(url=("https://b.example/x", "https://b.example/y"), name="pages", readers=("*",)),
        SitemapSource(
            sitemap="https://c.example/sitemap.xml", include=("docs/**",), allow_private=True, readers=("*",)
        ),
        BucketSource(bucket="s3://shelf/docs", access_key="env:A", secret_key="env:S", readers=("*",)),
    )
    assert [one.label for one in base.sources] == [
        "documents",
        "manual.pdf",
        "https://git.example/x",
        "https://a.example",
        "pages",
        "https://c.example/sitemap.xml",
        "s3://shelf/docs",
    ]


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
        pytest.param(
            "sources:\n- {fodler: a, readers: ['*']}\n",
            ["2: sources.0: it is not said where the documents are | Did you mean `folder`?"],
            id="a place nearly",
        ),
        pytest.param(
            "sources:\n- {readers: ['*']}\n- a\n",
            [
                "2: sources.0: it is not said where the documents are | Add one of `folder:`, `file:`",
                "3: sources.1: it is not said where the documents are | Add one of `folder:`",
            ],
            id="no place",
        ),
        pytest.param(
            "sources:\n- folder: a\n  url: https://a.example\n  readers: ['*']\n",
            ["3: sources.0: `folder` and `url` in one source | A source has one of `folder:`"],
            id="two places are one mistake",
        ),
        pytest.param(
            "sources:\n- {git: x, branch: main, readers: ['*']}\n- {file: a, include: [b], readers: ['*']}\n",
            ["2: sources.0: unknown key `branch` | Known keys:", "3: sources.1: unknown key `include`"],
            id="keys of other kinds",
        ),
        pytest.param(
            "sources:\n- git: ext::sh -c x\n  revision: --x\n  readers: ['*']\n",
            ["2: sources.0.git: no repository that is read", "3: sources.0.revision: `--x` is no revision"],
            id="odd values",
        ),
        pytest.param(
            "sources:\n- readers: ['*']\n  url:\n  - https://a.example\n  - ftp://a.example\n",
            ["5: sources.0.url.1: not an absolute http(s) URL"],
            id="the second of two pages",
        ),
        pytest.param(
            "sources:\n- {bucket: s3://shelf, access_key: AKIA, secret_key: word, readers: ['*']}\n",
            [
                "2: sources.0.access_key: a secret stands in the file | Write where it is found",
                "2: sources.0.secret_key: a secret stands in the file",
            ],
            id="secrets in the file",
        ),
        pytest.param(
            "sources:\n- {git: x}\n- {url: 5, readers: []}\n",
            [
                "2: sources.0: `readers` is missing: it is not said",
                "3: sources.1.url",
                "3: sources.1.readers",
            ],
            id="readers of every kind",
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


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        pytest.param("15m", 900, id="minutes"),
        pytest.param("30 s", 30, id="seconds, with a blank"),
        pytest.param("2h", 7_200, id="hours"),
        pytest.param("7d", 604_800, id="days"),
        pytest.param("10s", 10, id="the shortest"),
    ],
)
def test_how_often_it_is_synced(tmp_path: Path, every: str, seconds: float) -> None:
    """Never, where nothing is said."""
    text = "sources: [{folder: d, readers: ['*']}]\n"
    base = declared(tmp_path, f"{text}sync: {{every: {every}}}\n")
    assert isinstance(base, KnowledgeBase)
    assert base.sync_every_s == seconds
    assert getattr(declared(tmp_path, text), "sync_every_s", 0) is None
    assert getattr(declared(tmp_path, f"{text}sync: {{}}\n"), "sync_every_s", 0) is None


@pytest.mark.parametrize(
    "every",
    ["15", "1.5", "soon", "9s", "400d", "15 minutes", "-5m", "true", "[15m]", "99999999999s", "'5m\n'"],
)
def test_what_is_no_length_of_time_is_a_mistake(tmp_path: Path, every: str) -> None:
    text = f"sources: [{{folder: d, readers: ['*']}}]\nsync:\n  every: {every}\n"
    mistakes = declared(tmp_path, text)
    assert isinstance(mistakes, list)
    assert any(one.startswith("3: sync.every") for one in mistakes)
