"""A project whose documents change, and what is found of each: a version of it, whole, or nothing."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from buttress.app.buttress import Buttress
from buttress.app.storage import project_database
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.settings.loading import load_settings

DOCUMENTS, PARTS = 200, 3
SETTINGS = "knowledge: {ingest: {commit_documents: 12, commit_chunks: 32}}\n"
BASE = "sources: [{folder: documents, readers: ['*']}]\nchunks: {max_tokens: 80}\n"


def make_project(project: Path, more: str = "") -> Path:
    """Make a project without documents; `more` stands in the declaration of its knowledge base, too."""
    (project / "knowledge").mkdir(parents=True)
    (project / "buttress.yaml").write_text(SETTINGS)
    (project / "knowledge" / "base.yaml").write_text(BASE + more)
    return project


class Documents:
    """A folder of documents that change; each part of one names the document, its version and the part."""

    def __init__(self, project: Path, chance: SeededChance) -> None:
        self._folder = project / "documents"
        self._folder.mkdir(parents=True)
        self._chance = chance
        self._made = 0
        self.versions: dict[str, int] = {}
        for _ in range(DOCUMENTS):
            self._add()

    def change(self, edits: int = 20) -> None:
        """Edit documents, at most `edits` of them; remove some, add some."""
        for name in self._some(edits):
            self._write(name, self.versions[name] + 1)
        for name in self._some(5):
            (self._folder / name).unlink()
            del self.versions[name]
        for _ in range(5):
            self._add()

    def _some(self, count: int) -> set[str]:
        names = sorted(self.versions)
        return {names[int(self._chance.fraction() * len(names))] for _ in range(count)}

    def _add(self) -> None:
        self._made += 1
        self._write(f"doc{self._made:04}.md", 1)

    def _write(self, name: str, version: int) -> None:
        self.versions[name] = version
        mark = name.removesuffix(".md")
        parts = (
            f"## Part {part}\n\n{mark} {mark}v{version} {mark}v{version}p{part} {self._words()}\n"
            for part in range(PARTS)
        )
        (self._folder / name).write_text(f"# {mark}\n\n" + "\n".join(parts))

    def _words(self) -> str:
        return " ".join(f"{self._chance.bits(20):05x}" for _ in range(12))


class Shown(msgspec.Struct, frozen=True):
    """What a search shows of a document: its versions, and the parts of them."""

    versions: frozenset[int]
    parts: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is one version with each part once, or nothing at all."""
        return self == NOTHING or (len(self.versions) == 1 and self.parts == tuple(range(PARTS)))

    @property
    def version(self) -> int | None:
        """The version; None when it is not there."""
        return next(iter(self.versions), None)


NOTHING = Shown(frozenset(), ())


def whole(version: int) -> Shown:
    """Return what is shown of a document of that version."""
    return Shown(frozenset({version}), tuple(range(PARTS)))


async def shown(project: Buttress, name: str) -> Shown:
    """Look a document up."""
    mark = name.removesuffix(".md")
    found = await project.search("base", mark, scope=Scope("default"), limit=20)
    text = "\n".join(one.text for one in found.passages if one.document == name)
    marks = re.findall(rf"{mark}v(\d+)p(\d+)", text)
    return Shown(frozenset(int(one) for one, _ in marks), tuple(sorted(int(part) for _, part in marks)))


async def check_each(
    searching: Buttress, documents: Documents, before: Mapping[str, Shown], names: set[str]
) -> dict[str, Shown]:
    """Look documents up: each must be as it was, or as it is in the folder now."""
    now: dict[str, Shown] = {}
    for name in sorted(names):
        now[name] = await shown(searching, name)
        assert now[name].is_whole, (name, now[name])
        allowed = {before.get(name, NOTHING).version, documents.versions.get(name)}
        assert now[name].version in allowed, (name, now[name], allowed)
    return now


async def versions_in_ledger(project: Path) -> dict[str, int]:
    """Return the version of each document in PostgreSQL."""
    query = "select path, body from documents where knowledge = 'base'"
    async with (
        project_database(load_settings(project), SystemClock()) as database,
        database.connection() as connection,
    ):
        rows = await (await connection.execute(query)).fetchall()
    versions = {path: set(re.findall(r"v(\d+)p\d", body)) for path, body in rows}
    assert all(len(one) == 1 for one in versions.values()), versions
    return {path: int(one.pop()) for path, one in versions.items()}
