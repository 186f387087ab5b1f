"""A git repository as a source: what lies in it at one revision, with the blobs' ids as revisions.

The commit alone is fetched, without its history, into a bare repository of our own; nothing is checked out,
so no name in it ever becomes a name on this machine.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from buttress.kernel.clock import Clock
from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.declared import GitPlace, git_place, kept_name
from buttress.knowledge.sources.git_program import SSH, BlobReader, GitCall, GitFailed, run_git
from buttress.knowledge.sources.globs import Globs
from buttress.knowledge.sources.names import odd_name, shown
from buttress.knowledge.sources.types import Content, Entry, Listing, Skipped
from buttress.knowledge.types import GitSource
from buttress.outbound.authorities import Authorities
from buttress.outbound.faults import Barred, Unreachable
from buttress.outbound.fetching import Fetcher

_WANTED = "refs/buttress/wanted"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ROW = re.compile(
    rb"(?P<mode>\d{6}) (?P<kind>\w+) (?P<id>[0-9a-f]+) +(?P<size>\d+|-)\t(?P<path>.+)", re.DOTALL
)
_LINK, _SUBMODULE = b"120000", b"160000"
_LARGE_FILE = b"version https://git-lfs.github.com/spec/"
_PINNING = (2, 37)
"""The first git that can be told which address a name has."""


class GitParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository is read with: `kept` holds the copy, a local one is relative to `project`.

    `authorities` are believed over https.
    """

    project: Path
    kept: Path
    fetcher: Fetcher
    clock: Clock
    resolve_secret: Callable[[str], str]
    settings: SourceSettings
    authorities: Authorities = Authorities()


@asynccontextmanager
async def open_git(declared: GitSource, parts: GitParts) -> AsyncIterator["Git"]:
    """Have the source for the block."""
    source = Git(declared, parts)
    try:
        yield source
    finally:
        await source.close()


class Git:
    """A `Source`: a declared repository."""

    def __init__(self, declared: GitSource, parts: GitParts) -> None:
        place = git_place(declared.git)
        self._declared = declared
        self._parts = parts
        self._place = place or GitPlace("none")
        self._repository = parts.kept / kept_name(declared)
        self._blobs = BlobReader(self._call(parts.settings.timeout_s))

    async def list(self, known: Mapping[str, str]) -> Listing:  # noqa: ARG002 - a list of all is as cheap
        """See `Source.list`."""
        if self._place.transport == "none":
            raise self._missing("it is none of the ways a repository is reached by")
        try:
            return await self._list(await self._fetch())
        except (GitFailed, Barred, Unreachable) as fault:
            raise self._missing(str(fault)) from None
        except OSError as error:
            raise self._missing(f"its copy: {error.strerror or error}") from None

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`: the bytes are those of the listed revision."""
        if not _ID.fullmatch(entry.revision):
            raise Unreadable(f"{entry.path} cannot be read: it is not known which version")
        if not await asyncio.to_thread(self._repository.is_dir):
            raise self._missing("its copy is gone")
        data = await self._blobs.read(entry.revision, entry.path, max_bytes)
        if data.startswith(_LARGE_FILE):
            raise Unreadable(f"{entry.path} is kept outside of the repository (Git LFS), which is not read")
        return Content(data, hashlib.sha256(data).hexdigest(), entry.revision)

    async def close(self) -> None:
        """End the program that reads."""
        await self._blobs.close()

    async def _list(self, commit: str) -> Listing:
        folder = self._declared.folder.strip("/")
        call = self._call(self._parts.settings.git_timeout_s)
        said = await run_git(call, "ls-tree", "-r", "-z", "-l", "--full-tree", f"{commit}:{folder}")
        globs = Globs(self._declared.include, self._declared.exclude)
        found = await asyncio.to_thread(lambda: list(_rows(said, globs)))
        entries = sorted((one for one in found if isinstance(one, Entry)), key=lambda one: one.path)
        skipped = sorted((one for one in found if isinstance(one, Skipped)), key=lambda one: one.path)
        return Listing(tuple(entries), tuple(skipped))

    async def _fetch(self) -> str:
        """Return the id of the wanted commit, which is in our copy afterwards."""
        await self._make()
        call = self._call(self._parts.settings.git_timeout_s)
        wanted = self._declared.revision
        if not (_ID.fullmatch(wanted) and await self._has(call, wanted)):
            call = await self._guarded(call)
            await run_git(
                call,
                "fetch",
                *("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
                *("--", self._address(), f"+{wanted}:{_WANTED}"),
            )
            wanted = _WANTED
        return (await run_git(call, "rev-parse", "--verify", f"{wanted}^{{commit}}")).decode().strip()

    async def _has(self, call: GitCall, commit: str) -> bool:
        try:
            await run_git(call, "cat-file", "-e", f"{commit}^{{commit}}")
        except GitFailed:
            return False
        return True

    async def _make(self) -> None:
        """Make our copy if there is none. One that was left in the middle of a fetch is let go on."""
        before = self._parts.clock.now().timestamp() - self._parts.settings.git_timeout_s
        await asyncio.to_thread(_prepare, self._repository, before)
        if not await asyncio.to_thread((self._repository / "HEAD").is_file):
            call = self._call(self._parts.settings.timeout_s)
            await run_git(call, "init", "--quiet", "--bare", "--template=")

    async def _guarded(self, call: GitCall) -> GitCall:
        """Return `call` bound to addresses that were looked at, with the token if there is one."""
        place, settings = self._place, dict[str, str]()
        if self._declared.token:
            secret = self._parts.resolve_secret(self._declared.token).strip()
            basic = base64.b64encode(f"x-access-token:{secret}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {basic}"
        if not place.host:
            return msgspec.structs.replace(call, settings=settings)
        addresses = await self._parts.fetcher.addresses(place.host, place.port)
        if place.transport == "ssh":
            command = _ssh_command(place, None if self._declared.allow_private else addresses[0])
            return msgspec.structs.replace(call, ssh_command=command)
        await self._check_version(call)
        settings["http.curloptResolve"] = _pinned(place, addresses)
        settings |= _believed(self._parts.authorities)
        return msgspec.structs.replace(call, settings=settings)

    async def _check_version(self, call: GitCall) -> None:
        said = (await run_git(call, "version")).decode("utf-8", "replace")
        version = tuple(map(int, re.findall(r"\d+", said)[:2]))
        if version < _PINNING:
            raise GitFailed(f"{said.strip()} is too old to be kept to an address: 2.37 is needed")

    def _address(self) -> str:
        if self._place.transport == "file":
            return str((self._parts.project / self._declared.git).resolve())
        return self._declared.git

    def _call(self, timeout_s: float) -> GitCall:
        return GitCall(
            repository=self._repository,
            transport=self._place.transport,
            timeout_s=timeout_s,
            max_file_bytes=self._parts.settings.git_max_bytes,
        )

    def _missing(self, reason: str) -> SourceMissing:
        declared = self._declared
        at = f"{declared.git} at {declared.revision}" + (f", {declared.folder}" if declared.folder else "")
        return SourceMissing(
            f"the repository {at}: {reason}",
            hint="Correct `git`, `revision` (a commit by its whole id) or `folder` in its declaration; for "
            "a server of your own networks write `allow_private: true`.",
        )


def _prepare(repository: Path, before: float) -> None:
    """Make the folder; take away what a fetch that was killed left: locks, and half of what it fetched.

    Only what is older than any fetch gets (`before`, in seconds since 1970): another one may be under way.
    """
    repository.mkdir(parents=True, exist_ok=True)
    for left in (*repository.rglob("*.lock"), *repository.rglob("objects/**/tmp_*")):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < before:
                left.unlink()


def _pinned(place: GitPlace, addresses: list[str]) -> str:
    """Return what tells curl that the name has these addresses, whatever anybody says."""
    listed = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    return f"{place.host}:{place.port}:{listed}"


def _believed(authorities: Authorities) -> dict[str, str]:
    """Return what tells git whose certificates to believe, where anybody said so."""
    told = {"http.sslCAInfo": authorities.file, "http.sslCAPath": authorities.folder}
    return {name: path for name, path in told.items() if path}


def _ssh_command(place: GitPlace, address: str | None) -> str:
    """Return the command that git runs for ssh, by a shell: only what was matched stands in it."""
    if address is None:
        return SSH
    alias = place.host if place.port == 22 else f"[{place.host}]:{place.port}"
    return f"{SSH} '-oHostName={address}' '-oHostKeyAlias={alias}'"


def _rows(said: bytes, globs: Globs) -> Iterator[Entry | Skipped]:
    seen: set[str] = set()
    for row in said.split(b"\0"):
        found = _ROW.fullmatch(row)
        if found is None:
            continue
        path = found["path"].decode("utf-8", "surrogateescape")
        odd = odd_name(path) or ("has the name of another file" if path in seen else "")
        seen.add(path)
        if odd:
            yield Skipped(shown(path), odd)
        elif not _is_hidden(path) and globs.accept(path):
            yield _entry(found, path)


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _entry(found: re.Match[bytes], path: str) -> Entry | Skipped:
    match found["mode"]:
        case mode if mode == _LINK:
            return Skipped(path, "is a link, which is not followed in a repository")
        case mode if mode == _SUBMODULE:
            return Skipped(path, "is another repository (a submodule): declare it as a source of its own")
        case _:
            return Entry(path=path, revision=found["id"].decode(), size_bytes=int(found["size"]))
