"""What is odd about a declared source that has the right keys: addresses, names, references. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from buttress.kernel.ids import content_hash
from buttress.kernel.secrets import parse_reference
from buttress.knowledge.types import (
    BucketSource,
    DeclaredSource,
    FileSource,
    FolderSource,
    GitSource,
    SitemapSource,
    UrlSource,
)
from buttress.outbound.addresses import AddressInvalid, parse_address

KINDS: dict[str, type[DeclaredSource]] = {
    "folder": FolderSource,
    "file": FileSource,
    "git": GitSource,
    "url": UrlSource,
    "sitemap": SitemapSource,
    "bucket": BucketSource,
}
"""The kinds of sources, by the key that names the place."""

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,250}")
_FOLDER = re.compile(r"(?:(?!-)[^\0\\:]+)?")
_SCP = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?!/?/)(?P<path>[^:\s-]\S*)"
)
_SSH = re.compile(
    r"ssh://(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)(?::(?P<port>\d{1,5}))?/(?!-)\S+"
)
_BUCKET = re.compile(r"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:/(?P<folder>.*))?", re.DOTALL)
_URL_HINT = "Write it as in a browser, `https://HOST/PATH`, without a user."
_REFERENCE_HINT = (
    "Write where it is found: `{key}: env:NAME` or `{key}: file:PATH`. If it was in git, replace it."
)
_GIT_HINT = "Write `https://HOST/PATH`, `ssh://git@HOST/PATH`, `git@HOST:PATH`, or a folder of this machine."


class Oddity(msgspec.Struct, frozen=True):
    """What is wrong with the value of `key` (of its part `index`), and what would be right."""

    key: str
    message: str
    hint: str
    index: int | None = None


class GitPlace(msgspec.Struct, frozen=True):
    """How a repository is reached: `https`, `http`, `ssh` or `file`; `host` and `port` where there is one."""

    transport: str
    host: str = ""
    port: int = 0


class BucketPlace(msgspec.Struct, frozen=True):
    """The name of a bucket, and the beginning of the keys that are meant: empty, or with a `/` at its end."""

    bucket: str
    prefix: str


def oddities(source: DeclaredSource) -> Iterator[Oddity]:
    """Give everything that is odd about `source`."""
    match source:
        case GitSource():
            yield from _odd_git(source)
        case UrlSource():
            is_one = isinstance(source.url, str)
            for index, url in enumerate(source.urls):
                yield from _odd_url("url", url, None if is_one else index)
        case SitemapSource():
            yield from _odd_url("sitemap", source.sitemap)
        case BucketSource():
            yield from _odd_bucket(source)
        case _:
            return


def kept_name(source: DeclaredSource) -> str:
    """Return how the folder is called that is kept of `source` for the next sync; empty where none is."""
    if not isinstance(source, GitSource):
        return ""
    return f"git-{content_hash(source.label, source.git, source.revision)[:20]}"


def git_place(git: str) -> GitPlace | None:
    """Return how the repository `git` is reached; None where it is none of the ways that are allowed."""
    if git.startswith("-") or any(character < " " for character in git):
        return None
    if git.startswith(("https://", "http://")):
        return _web_place(git)
    if "::" in git or "://" in git:
        found = _SSH.fullmatch(git)
        return GitPlace("ssh", found["host"], int(found["port"] or 22)) if found else None
    found = _SCP.fullmatch(git)
    return GitPlace("ssh", found["host"], 22) if found else GitPlace("file")


def bucket_place(bucket: str) -> BucketPlace | None:
    """Return which bucket, and which part of it, is meant; None where it is not `s3://NAME/FOLDER`."""
    found = _BUCKET.fullmatch(bucket)
    if found is None:
        return None
    folder = (found["folder"] or "").strip("/")
    return BucketPlace(found["bucket"], f"{folder}/" if folder else "")


def _web_place(url: str) -> GitPlace | None:
    try:
        origin = parse_address(url).origin
    except AddressInvalid:
        return None
    return GitPlace(origin.scheme, origin.host, origin.port)


def _odd_git(source: GitSource) -> Iterator[Oddity]:
    place = git_place(source.git)
    if place is None:
        yield Oddity("git", "no repository that is read", _GIT_HINT)
    if not _is_revision(source.revision):
        yield Oddity(
            "revision",
            f"`{source.revision}` is no revision that can be asked for",
            "Name a branch, a tag, or a commit by its whole id.",
        )
    if not _FOLDER.fullmatch(source.folder) or ".." in source.folder.split("/"):
        yield Oddity("folder", "no folder of a repository", "Write it as it stands in it: `docs/en`.")
    if source.token:
        yield from _odd_secret("token", source.token)
        if place and place.transport != "https":
            yield Oddity("token", "a token is only sent over https", "Write the repository as https://…")


def _is_revision(revision: str) -> bool:
    is_odd = ".." in revision or "//" in revision or revision.endswith(("/", ".", ".lock"))
    return bool(_REVISION.fullmatch(revision)) and not is_odd


def _odd_bucket(source: BucketSource) -> Iterator[Oddity]:
    if bucket_place(source.bucket) is None:
        yield Oddity("bucket", "no name of a bucket", "Write `s3://NAME`, or `s3://NAME/FOLDER`.")
    if source.endpoint:
        yield from _odd_endpoint(source.endpoint)
    if not re.fullmatch(r"[a-z0-9-]{1,64}", source.region):
        yield Oddity("region", "no region", "Write it as the service does: `eu-central-1`.")
    for key in ("access_key", "secret_key", "session_token"):
        if value := getattr(source, key):
            yield from _odd_secret(key, value)
    if bool(source.access_key) != bool(source.secret_key):
        missing = "secret_key" if source.access_key else "access_key"
        yield Oddity("bucket", f"`{missing}` is missing", f"Add `{missing}: env:NAME`, or leave both out.")


def _odd_endpoint(endpoint: str) -> Iterator[Oddity]:
    yield from _odd_url("endpoint", endpoint)
    if urlsplit(endpoint).path.strip("/"):
        yield Oddity("endpoint", "it has a path", "Write only the service: `https://HOST:PORT`.")


def _odd_secret(key: str, value: str) -> Iterator[Oddity]:
    if parse_reference(value) is None:
        yield Oddity(key, "a secret stands in the file", _REFERENCE_HINT.format(key=key))


def _odd_url(key: str, url: str, index: int | None = None) -> Iterator[Oddity]:
    try:
        parse_address(url)
    except AddressInvalid as error:
        yield Oddity(key, str(error), _URL_HINT, index)
