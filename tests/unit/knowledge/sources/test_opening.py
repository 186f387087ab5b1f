"""From a declared source to its adapter."""

from pathlib import Path

import pytest

from buttress.knowledge.sources.bucket import Bucket
from buttress.knowledge.sources.declared import KINDS, kept_name
from buttress.knowledge.sources.file import File
from buttress.knowledge.sources.folder import Folder
from buttress.knowledge.sources.git import Git
from buttress.knowledge.sources.opening import SourceParts, forget_other_sources, open_source
from buttress.knowledge.sources.sitemap import Sitemap
from buttress.knowledge.sources.web import Web
from buttress.knowledge.types import (
    BucketSource,
    DeclaredSource,
    FileSource,
    FolderSource,
    GitSource,
    KnowledgeBase,
    SitemapSource,
    UrlSource,
)
from buttress.storage.database import Database
from tests.unit.knowledge.sources.local import later
from tests.unit.knowledge.sources.repositories import Repository, needs_git
from tests.unit.knowledge.sources.servers import Pages, Shelf, serving
from tests.unit.knowledge.syncing.test_ingest import Garden

ALL = ("*",)
OPENED: list[tuple[DeclaredSource, type]] = [
    (FolderSource(folder="docs", readers=ALL), Folder),
    (FileSource(file="a.md", readers=ALL), File),
    (GitSource(git="https://git.nowhere.invalid/x", readers=ALL), Git),
    (UrlSource(url="https://nowhere.invalid/", readers=ALL), Web),
    (SitemapSource(sitemap="https://nowhere.invalid/sitemap.xml", readers=ALL), Sitemap),
    (BucketSource(bucket="s3://shelf", readers=ALL), Bucket),
]


@pytest.mark.parametrize(("declared", "adapter"), OPENED)
async def test_each_has_its_adapter_and_nothing_is_asked(
    tmp_path: Path, declared: DeclaredSource, adapter: type
) -> None:
    """Nor is anything written, before it is listed."""
    parts = SourceParts(project=tmp_path, kept=tmp_path / "kept", clock=later(), max_file_bytes=1)
    async with open_source(declared, parts) as source:
        assert type(source) is adapter
    assert not (tmp_path / "kept").exists()


def test_what_is_kept_of_sources_that_are_declared_no_more_is_removed(tmp_path: Path) -> None:
    """Their copies hold documents that nobody may find any more."""
    declared = [one for one, _ in OPENED]
    kept = {kept_name(one) for one in declared} - {""}
    assert len(kept) == 1
    for name in (*kept, "git-of-another", "pages-left"):
        (tmp_path / name).mkdir()
    forget_other_sources(declared, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    forget_other_sources([], tmp_path)
    assert list(tmp_path.iterdir()) == []
    forget_other_sources([], tmp_path / "nothing")


def test_every_kind_is_opened() -> None:
    assert {type(declared) for declared, _ in OPENED} == set(KINDS.values())


@needs_git
async def test_what_has_not_changed_anywhere_is_not_read_again(tmp_path: Path, database: Database) -> None:
    """From declared sources to what is found, and again; then one page goes, and one source is away."""
    garden, repository = (
        Garden(tmp_path, database),
        Repository(tmp_path / "origin", {"moss.md": b"# Moss\n\nShade."}),
    )
    page = b"<!doctype html><html><h1>Roses</h1><p>Roses want sun.</p></html>"
    pages, shelf = (
        Pages({"roses": page, "weeds": page.replace(b"Roses", b"Weeds")}),
        Shelf({"tools.md": b"# A spade"}),
    )
    async with serving(pages) as site, serving(shelf) as bucket:
        base = KnowledgeBase(
            name="garden",
            sources=(
                GitSource(git="origin", readers=ALL),
                UrlSource(url=(f"{site.url}/roses", f"{site.url}/weeds"), readers=ALL, allow_private=True),
                BucketSource(bucket="s3://shelf", endpoint=bucket.url, readers=ALL, allow_private=True),
            ),
        )
        report = await garden.ingest(base)
        assert (report.added, report.skipped, report.warnings) == (4, (), ())
        assert (await garden.search("roses sun", base=base))[0] == f"{site.url}/roses"
        bodies = len(bucket.asked) + len(site.asked)
        report = await garden.ingest(base)
        assert (report.unchanged, report.embedded) == (4, 0)
        assert len(bucket.asked) + len(site.asked) == bodies + 3  # a list, and two that say 304; no object
        del pages.pages["weeds"]
        await bucket.close()
        repository.write("moss.md", b"# Moss\n\nShade and rain.")
        repository.commit()
        report = await garden.ingest(base)
        assert (report.changed, report.removed) == (1, 1)
        assert "tools.md" in await garden.search("spade", base=base)
