"""Git repositories, made on the spot, and a server of theirs, for the tests of sources."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from buttress.knowledge.ports import Source
from tests.unit.knowledge.sources.local import DOCUMENTS

PROGRAM = shutil.which("git") or ""
needs_git = pytest.mark.skipif(not PROGRAM, reason="the program `git` is not installed")
_SAFE = {
    "PATH": os.defpath,
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@a.example",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@a.example",
}


class Repository:
    """A repository with a working tree, whose documents tests change and commit."""

    def __init__(self, folder: Path, documents: Mapping[str, bytes] = DOCUMENTS) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for path, data in documents.items():
            self.write(path, data)
        self.commit()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in it."""
        run = subprocess.run(
            [PROGRAM, *arguments], cwd=self.folder, env=_SAFE, input=stdin, capture_output=True, check=True
        )
        return run.stdout.decode().strip()

    def write(self, path: str, data: bytes) -> None:
        """Write a file into its working tree."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)

    def commit(self) -> str:
        """Commit all there is; return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, rows: bytes) -> str:
        """Commit a tree of these rows (as `git mktree -z` takes them), whatever names they hold."""
        tree = self.git("mktree", "-z", "--missing", stdin=rows)
        commit = self.git("commit-tree", tree, "-m", "odd")
        self.git("update-ref", "refs/heads/odd", commit)
        return commit


class RepositoryHolding:
    """A repository with documents; see `testing.contracts.source.Holding`."""

    def __init__(self, repository: Repository, source: Source) -> None:
        self._repository = repository
        self.source = source
        self.documents: Mapping[str, bytes] = DOCUMENTS

    async def put(self, path: str, data: bytes) -> None:
        """Commit a document anew."""
        self._repository.write(path, data)
        await asyncio.to_thread(self._repository.commit)

    async def remove(self, path: str) -> None:
        """Commit that a document is gone."""
        (self._repository.folder / path).unlink()
        await asyncio.to_thread(self._repository.commit)

    async def vanish(self) -> None:
        """Remove the repository."""
        shutil.rmtree(self._repository.folder)


@asynccontextmanager
async def served(
    folder: Path, encryption: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve the repositories in `folder` over HTTP, by git's own CGI; give its URL and what was asked."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        heads.append(head)
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = head.split(" ", 2)
        path, _, query = target.partition("?")
        said = await _backend(
            folder, headers, body, {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
        )
        status = said.partition(b"Status: ")[2].split(b"\r")[0] if said.startswith(b"Status: ") else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n" + said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=encryption)
    async with server:
        yield f"http{'s' if encryption else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


async def _backend(
    folder: Path, headers: Mapping[str, str], body: bytes, request: Mapping[str, str]
) -> bytes:
    environment = {
        **_SAFE,
        **request,
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    return (await process.communicate(body))[0]
