"""From a declared source to the adapter that reads it."""

import shutil
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.bucket import Bucket, BucketParts
from buttress.knowledge.sources.declared import kept_name
from buttress.knowledge.sources.file import File
from buttress.knowledge.sources.folder import Folder
from buttress.knowledge.sources.git import Git, GitParts, open_git
from buttress.knowledge.sources.pages import Pages
from buttress.knowledge.sources.sitemap import Sitemap
from buttress.knowledge.sources.web import Web
from buttress.knowledge.types import (
    BucketSource,
    DeclaredSource,
    FileSource,
    FolderSource,
    GitSource,
    SitemapSource,
    UrlSource,
)
from buttress.outbound.authorities import told_authorities
from buttress.outbound.fetching import Fetcher
from buttress.outbound.networks import is_public, may_be_own

Adapter = Folder | File | Git | Web | Sitemap | Bucket
"""Each is a `ports.Source`."""


class SourceParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the sources of one knowledge base work with.

    Folders and files are relative to `project`. `kept` is a folder of this knowledge base's own, made when it
    is needed, which may be removed while nobody syncs. `resolve_secret` turns a reference into a secret.
    """

    project: Path
    kept: Path
    clock: Clock
    max_file_bytes: int
    resolve_secret: Callable[[str], str] = str
    settings: SourceSettings = SourceSettings()


@asynccontextmanager
async def open_source(declared: DeclaredSource, parts: SourceParts) -> AsyncIterator[Adapter]:
    """Have the adapter of `declared` for the block. Nothing is asked before it is."""
    match declared:
        case FolderSource():
            yield Folder(declared, parts.project, parts.clock)
        case FileSource():
            yield File(declared, parts.project, parts.clock)
        case GitSource():
            async with open_git(declared, _git_parts(declared, parts)) as git:
                yield git
        case UrlSource() | SitemapSource():
            async with _opened_pages(declared, parts) as site:
                yield site
        case BucketSource():
            yield Bucket(declared, _bucket_parts(declared, parts))


def forget_other_sources(declared: Collection[DeclaredSource], kept: Path) -> None:
    """Remove from the folder `kept` what is not of a declared source, or was left by a sync that was killed.

    Blocking.
    """
    names = {kept_name(one) for one in declared}
    for folder in kept.glob("*"):
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _opened_pages(
    declared: UrlSource | SitemapSource, parts: SourceParts
) -> AsyncIterator[Web | Sitemap]:
    fetcher = _fetcher(allow_private=declared.allow_private)
    pages = Pages(fetcher, parts.settings, parts.kept, parts.max_file_bytes)
    try:
        if isinstance(declared, UrlSource):
            yield Web(declared, pages)
        else:
            yield Sitemap(declared, pages, parts.settings.max_documents)
    finally:
        await pages.close()


def _git_parts(declared: GitSource, parts: SourceParts) -> GitParts:
    return GitParts(
        project=parts.project,
        kept=parts.kept,
        fetcher=_fetcher(allow_private=declared.allow_private),
        clock=parts.clock,
        resolve_secret=_resolving(declared, parts),
        settings=parts.settings,
        authorities=told_authorities(),
    )


def _bucket_parts(declared: BucketSource, parts: SourceParts) -> BucketParts:
    return BucketParts(
        fetcher=_fetcher(allow_private=declared.allow_private),
        clock=parts.clock,
        resolve_secret=_resolving(declared, parts),
        settings=parts.settings,
    )


def _resolving(declared: DeclaredSource, parts: SourceParts) -> Callable[[str], str]:
    """Return what resolves the secrets of one source: without its secret a source is out of reach."""

    def resolve(reference: str) -> str:
        try:
            return parts.resolve_secret(reference)
        except ButtressError as error:
            raise SourceMissing(f"source {declared.label}: {error.message}", hint=error.hint) from None

    return resolve


def _fetcher(*, allow_private: bool) -> Fetcher:
    return Fetcher(may_be_own if allow_private else is_public)
