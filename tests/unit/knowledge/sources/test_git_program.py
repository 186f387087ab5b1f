"""The git program: what it is told, and that it ends."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psutil
import pytest

from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.sources.git_program import BlobReader, GitCall, GitFailed, run_git
from tests.unit.knowledge.sources.local import DOCUMENTS
from tests.unit.knowledge.sources.repositories import Repository, needs_git

pytestmark = needs_git


def call(repository: Path, timeout_s: float = 30.0, settings: Mapping[str, str] | None = None) -> GitCall:
    return GitCall(
        repository=repository,
        transport="file",
        timeout_s=timeout_s,
        max_file_bytes=1 << 30,
        settings=settings or {},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")


async def test_nobodys_configuration_counts_but_what_is_handed_in(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the environment: a hook that starts us would tell git another repository."""
    for name in ("GIT_DIR", "GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "GIT_TRACE"):
        monkeypatch.setenv(name, "/nowhere")
    (repository.folder / ".git" / ".gitconfig").write_text("[buttress]\n\tother = word\n")
    told = call(repository.folder / ".git", settings={"buttress.word": "se cret\nx"})
    listed = await run_git(told, "config", "--list", "--show-origin", "-z")
    assert b"buttress.word\nse cret\nx" in listed
    assert b"credential.helper\n\0" in listed
    assert b"/nowhere" not in listed
    assert b"other" not in listed


@pytest.mark.parametrize(
    "arguments", [("no-such-command",), ("cat-file", "-p", "HEAD:nothing"), ("rev-parse", "--verify", "x")]
)
async def test_what_git_refuses_is_one_line(repository: Repository, arguments: tuple[str, ...]) -> None:
    with pytest.raises(GitFailed) as caught:
        await run_git(call(repository.folder / ".git"), *arguments)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="not a git repository"):
        await run_git(call(tmp_path), "rev-parse", "HEAD")


async def test_what_takes_too_long_is_ended_with_all_it_started(repository: Repository) -> None:
    """An alias of the program starts a child that would live on."""
    slow = call(repository.folder / ".git", 0.5, {"alias.wait": "!sleep 4711.5 & sleep 4711.5"})
    with pytest.raises(GitFailed, match=r"longer than 0\.5 s"):
        await run_git(slow, "wait")
    assert not _sleeping()


def _sleeping() -> list[psutil.Process]:
    found = [one for one in psutil.process_iter(["cmdline"]) if "4711.5" in (one.info["cmdline"] or [])]
    return [one for one in found if one.status() != psutil.STATUS_ZOMBIE]


class TestBlobs:
    """One program reads them all, and is replaced when something was left half-way."""

    @pytest.fixture
    async def blobs(self, repository: Repository) -> AsyncIterator[BlobReader]:
        reader = BlobReader(call(repository.folder / ".git"))
        yield reader
        await reader.close()

    async def test_they_are_read_one_after_another(self, repository: Repository, blobs: BlobReader) -> None:
        for path, data in DOCUMENTS.items():
            assert await blobs.read(repository.git("rev-parse", f"HEAD:{path}"), path, 1_000) == data

    async def test_what_is_too_large_or_missing_does_not_spoil_the_next(
        self, repository: Repository, blobs: BlobReader
    ) -> None:
        blob = repository.git("rev-parse", "HEAD:a.md")
        for _ in range(2):
            with pytest.raises(TooLarge, match="has 13 bytes; the limit is 5"):
                await blobs.read(blob, "a.md", 5)
            with pytest.raises(Unreadable, match="not in the repository's copy"):
                await blobs.read("0" * 40, "a.md", 1_000)
            with pytest.raises(Unreadable, match="git ended"):
                await blobs.read(repository.git("rev-parse", "HEAD"), "a commit", 1_000)
            assert await blobs.read(blob, "a.md", 1_000) == DOCUMENTS["a.md"]

    async def test_a_repository_that_is_gone_is_one_error(self, tmp_path: Path) -> None:
        reader = BlobReader(call(tmp_path / "nothing"))
        with pytest.raises(Unreadable, match="git ended"):
            await reader.read("0" * 40, "a.md", 1_000)
        await reader.close()
