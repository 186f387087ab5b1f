"""A git repository as a source, and what may lie in it, or call itself one."""

import asyncio
import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.git import Git, GitParts, open_git
from buttress.knowledge.sources.opening import SourceParts, open_source
from buttress.knowledge.sources.types import Entry, Listing
from buttress.knowledge.types import GitSource
from buttress.outbound.fetching import Fetcher
from buttress.outbound.networks import may_be_own
from buttress.testing.contracts.source import SourceContract
from tests.unit.knowledge.sources.local import DOCUMENTS, later
from tests.unit.knowledge.sources.repositories import Repository, RepositoryHolding, needs_git, served
from tests.unit.outbound.certificates import certificate_for
from tests.unit.outbound.sites import saying, site

pytestmark = [needs_git, pytest.mark.slow]
MAX = 1 << 20
READERS = ("*",)


async def here(_: str, __: int) -> list[str]:
    return ["127.0.0.1"]


def opened(
    declared: GitSource,
    project: Path,
    fetcher: Fetcher | None = None,
    timeout_s: float = 30.0,
    max_bytes: int = 1 << 30,
) -> AbstractAsyncContextManager[Git]:
    parts = GitParts(
        project=project,
        kept=project / "kept",
        fetcher=fetcher or (Fetcher(may_be_own) if declared.allow_private else Fetcher()),
        clock=later(),
        resolve_secret=lambda reference: f"what {reference} says",
        settings=SourceSettings(git_timeout_s=timeout_s, git_max_bytes=max_bytes),
    )
    return open_git(declared, parts)


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


def names(listing: Listing) -> list[str]:
    return [one.path for one in listing.entries]


def reasons(listing: Listing) -> dict[str, str]:
    return {one.path: one.reason for one in listing.skipped}


class TestContract(SourceContract):
    """What every source promises."""

    @pytest.fixture
    async def holding(self, tmp_path: Path) -> AsyncIterator[RepositoryHolding]:
        repository = Repository(tmp_path / "origin")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            yield RepositoryHolding(repository, source)


class TestRevisions:
    """A branch, a tag or a commit; its folder."""

    @pytest.mark.parametrize("named", ["main", "v1", "refs/heads/main", "the commit"])
    async def test_what_is_named_is_read(self, tmp_path: Path, named: str) -> None:
        repository = Repository(tmp_path / "origin")
        repository.git("tag", "v1")
        revision = repository.git("rev-parse", "HEAD") if named == "the commit" else named
        async with opened(GitSource(git="origin", revision=revision, readers=READERS), tmp_path) as source:
            assert names(await source.list({})) == sorted(DOCUMENTS)

    async def test_a_commit_that_is_here_is_not_asked_for_again(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "origin")
        commit = repository.git("rev-parse", "HEAD")
        declared = GitSource(git="origin", revision=commit, readers=READERS)
        async with opened(declared, tmp_path) as source:
            first = await source.list({})
        repository.folder.rename(tmp_path / "away")
        async with opened(declared, tmp_path) as source:
            assert await source.list({}) == first

    async def test_a_branch_that_was_written_anew_is_followed(self, tmp_path: Path) -> None:
        """What is fetched is what is there, whatever was before it."""
        repository = Repository(tmp_path / "origin")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            await source.list({})
            repository.git("checkout", "--quiet", "--orphan", "other")
            repository.git("rm", "--quiet", "-rf", ".")
            repository.write("only.md", b"only")
            repository.commit()
            repository.git("branch", "--quiet", "-M", "other", "main")
            assert names(await source.list({})) == ["only.md"]

    async def test_a_folder_is_the_root(self, tmp_path: Path) -> None:
        Repository(tmp_path / "origin")
        declared = GitSource(git="origin", folder="b/", include=("*.md",), readers=READERS)
        async with opened(declared, tmp_path) as source:
            listing = await source.list({})
            assert names(listing) == ["d.md"]
            assert (await source.read(listing.entries[0], MAX)).data == DOCUMENTS["b/d.md"]

    @pytest.mark.parametrize(
        ("declared", "reason"),
        [
            pytest.param(GitSource(git="nothing", readers=READERS), "nothing at HEAD", id="a repository"),
            pytest.param(GitSource(git="origin", revision="v9", readers=READERS), "v9", id="a revision"),
            pytest.param(GitSource(git="origin", folder="x", readers=READERS), "HEAD, x", id="a folder"),
            pytest.param(GitSource(git="origin", folder="a.md", readers=READERS), "a.md", id="no folder"),
        ],
    )
    async def test_what_is_not_there_is_missing(
        self, tmp_path: Path, declared: GitSource, reason: str
    ) -> None:
        Repository(tmp_path / "origin")
        async with opened(declared, tmp_path) as source:
            with pytest.raises(SourceMissing, match=reason):
                await source.list({})

    async def test_a_fetch_that_was_killed_holds_nothing_up(self, tmp_path: Path) -> None:
        """Its locks lie about; here an hour has passed since."""
        Repository(tmp_path / "origin")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            await source.list({})
            (repository,) = (tmp_path / "kept").iterdir()
            (repository / "shallow.lock").touch()
            (repository / "refs" / "buttress" / "wanted.lock").touch()
            assert names(await source.list({})) == sorted(DOCUMENTS)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what another process writes")
    async def test_more_than_may_be_is_not_fetched_and_nothing_of_it_is_left(self, tmp_path: Path) -> None:
        """Whoever serves it may send what they like."""
        Repository(tmp_path / "origin", {"large.bin": os.urandom(3 << 20)})
        declared = GitSource(git="origin", readers=READERS)
        async with opened(declared, tmp_path, max_bytes=1 << 20) as source:
            for _ in range(2):
                with pytest.raises(SourceMissing):
                    await source.list({})
        assert sum(path.stat().st_size for path in found(tmp_path / "kept", "*")) < 2 << 20


class TestWhatLiesInIt:
    """Nothing is checked out: a name in a repository is never one of this machine."""

    async def test_hidden_names_links_and_submodules_are_no_documents(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "origin", {"a.md": b"a", ".hidden/x.md": b"x"})
        (repository.folder / "link.md").symlink_to("/etc/passwd")
        commit = repository.commit()
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},inner")
        repository.git("commit", "--quiet", "-m", "inner")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            listing = await source.list({})
        assert names(listing) == ["a.md"]
        assert reasons(listing) == {
            "inner": "is another repository (a submodule): declare it as a source of its own",
            "link.md": "is a link, which is not followed in a repository",
        }

    async def test_names_that_are_no_paths_are_left_out(self, tmp_path: Path) -> None:
        """Git itself would not make them; a server may send them all the same."""
        repository = Repository(tmp_path / "origin")
        blob = repository.git("hash-object", "-w", "a.md").encode()
        up = repository.git("mktree", "-z", stdin=b"100644 blob " + blob + b"\tpasswd\0").encode()
        odd = [b"100644 blob " + blob + b"\t" + name for name in (b"a\nb.md", b"caf\xe9.md", b"good.md")]
        repository.commit_tree(b"\0".join([*odd, b"040000 tree " + up + b"\t.."]) + b"\0")
        async with opened(GitSource(git="origin", revision="odd", readers=READERS), tmp_path) as source:
            listing = await source.list({})
        assert names(listing) == ["good.md"]
        assert reasons(listing) == {
            "../passwd": "has a name that is no path",
            "a\\nb.md": "has a name with characters that nobody sees",
            "caf\\udce9.md": "has a name that is not UTF-8",
        }

    async def test_of_two_of_a_name_the_first_is_read(self, tmp_path: Path) -> None:
        """No git would make them; a document has one text all the same."""
        repository = Repository(tmp_path / "origin")
        blobs = [repository.git("hash-object", "-w", "--stdin", stdin=data) for data in (b"1", b"2")]
        repository.commit_tree(b"".join(f"100644 blob {one}\ta.md\0".encode() for one in blobs))
        async with opened(GitSource(git="origin", revision="odd", readers=READERS), tmp_path) as source:
            listing = await source.list({})
            assert (await source.read(listing.entries[0], MAX)).data == b"1"
        assert names(listing) == ["a.md"]
        assert reasons(listing) == {"a.md": "has the name of another file"}

    async def test_a_pointer_to_a_large_file_is_no_document(self, tmp_path: Path) -> None:
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
        Repository(tmp_path / "origin", {"a.pdf": pointer})
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            (entry,) = (await source.list({})).entries
            with pytest.raises(Unreadable, match="Git LFS"):
                await source.read(entry, MAX)

    @pytest.mark.parametrize("revision", ["", "0" * 40, "HEAD", "--help", "0" * 40 + "\n" + "1" * 40])
    async def test_what_was_not_listed_is_not_read(self, tmp_path: Path, revision: str) -> None:
        Repository(tmp_path / "origin")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            (first, *_) = (await source.list({})).entries
            with pytest.raises(Unreadable):
                await source.read(Entry(path="a.md", revision=revision), MAX)
            assert (await source.read(first, MAX)).data == DOCUMENTS["a.md"]

    async def test_hooks_and_settings_of_a_repository_are_not_run(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "origin")
        async with opened(GitSource(git="origin", readers=READERS), tmp_path) as source:
            await source.list({})
            (copy,) = (tmp_path / "kept").iterdir()
            for folder in (copy, repository.folder / ".git"):
                for hook in ("reference-transaction", "post-update", "pre-auto-gc"):
                    (folder / "hooks").mkdir(exist_ok=True)
                    (folder / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{hook}\n")
                    (folder / "hooks" / hook).chmod(0o755)
            repository.git("config", "uploadpack.packObjectsHook", f"touch {tmp_path}/ran-pack;")
            repository.write("new.md", b"new")
            repository.git("-c", f"core.hooksPath={os.devnull}", "add", "--all")
            repository.git("-c", f"core.hooksPath={os.devnull}", "commit", "--quiet", "-m", "x")
            assert "new.md" in names(await source.list({}))
        assert not found(tmp_path, "ran-*")


class TestAddresses:
    """Only what was declared is asked, by the way that was declared."""

    @pytest.mark.parametrize(
        "git",
        [
            "ext::sh -c touch% pwned",
            "--upload-pack=touch pwned",
            "fd::17",
            "file:///etc",
            "git://127.0.0.1/x",
            "ssh://-oProxyCommand=touch%20pwned/x",
            "-oProxyCommand=x:y",
            "https://me:word@127.0.0.1/x",
        ],
    )
    async def test_other_ways_are_refused(self, tmp_path: Path, git: str) -> None:
        """Also where a declaration was not read from a file."""
        async with opened(GitSource(git=git, readers=READERS, allow_private=True), tmp_path) as source:
            with pytest.raises(SourceMissing, match="none of the ways"):
                await source.list({})
        assert not found(tmp_path, "*pwned*")

    async def test_a_revision_is_never_an_option(self, tmp_path: Path) -> None:
        Repository(tmp_path / "origin")
        revision = f"--upload-pack=touch {tmp_path}/pwned"
        async with opened(GitSource(git="origin", revision=revision, readers=READERS), tmp_path) as source:
            with pytest.raises(SourceMissing):
                await source.list({})
        assert not (tmp_path / "pwned").exists()

    async def test_a_repository_is_read_over_http(self, tmp_path: Path) -> None:
        """By a name that only we know the address of: the connection goes where was looked."""
        Repository(tmp_path / "repositories" / "origin")
        async with served(tmp_path / "repositories") as (url, heads):
            named = url.replace("127.0.0.1", "git.nowhere.invalid")
            declared = GitSource(git=f"{named}/origin/.git", readers=READERS, allow_private=True)
            async with opened(declared, tmp_path, Fetcher(may_be_own, here)) as source:
                listing = await source.list({})
                assert names(listing) == sorted(DOCUMENTS)
                assert (await source.read(listing.entries[0], MAX)).data == DOCUMENTS["a.md"]
        assert all("host: git.nowhere.invalid:" in head.lower() for head in heads)
        assert not any("authorization" in head.lower() for head in heads)

    async def test_an_authority_of_the_house_is_believed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is named where pages and buckets go by it, too."""
        Repository(tmp_path / "repositories" / "origin")
        certificate = certificate_for("127.0.0.1", tmp_path)
        encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        encryption.load_cert_chain(certificate)
        parts = SourceParts(project=tmp_path, kept=tmp_path / "kept", clock=later(), max_file_bytes=MAX)
        async with served(tmp_path / "repositories", encryption) as (url, _):
            declared = GitSource(git=f"{url}/origin/.git", readers=READERS, allow_private=True)
            async with open_source(declared, parts) as source:
                with pytest.raises(SourceMissing, match="certificate"):
                    await source.list({})
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            async with open_source(declared, parts) as source:
                assert names(await source.list({})) == sorted(DOCUMENTS)

    @pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh")
    @pytest.mark.parametrize("git", ["ssh://git@git.nowhere.invalid:{}/x", "git@git.nowhere.invalid:x"])
    async def test_ssh_is_kept_to_the_address_that_was_looked_at(self, tmp_path: Path, git: str) -> None:
        """A name that nobody else knows: ssh says the first word, or finds that nobody listens there."""
        words: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            words.append(await reader.readline())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            declared = GitSource(git=git.format(server.sockets[0].getsockname()[1]), readers=READERS)
            fetcher = Fetcher(lambda address: address == "127.0.0.1", here)
            async with opened(declared, tmp_path, fetcher) as source:
                with pytest.raises(SourceMissing) as caught:
                    await source.list({})
        assert "resolve" not in caught.value.message
        assert [word[:8] for word in words] == ([b"SSH-2.0-"] if "{}" in git else [])

    async def test_own_networks_are_refused_unless_allowed(self, tmp_path: Path) -> None:
        async with site(saying(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")) as there:
            declared = GitSource(git=f"{there.url}/x", readers=READERS)
            async with opened(declared, tmp_path) as source:
                with pytest.raises(SourceMissing, match=r"leads to 127\.0\.0\.1"):
                    await source.list({})
            assert there.connected == 0

    async def test_a_redirect_is_not_followed(self, tmp_path: Path) -> None:
        async with site(saying(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")) as secret:
            moved = f"HTTP/1.1 302 X\r\nLocation: {secret.url}/\r\nContent-Length: 0\r\n\r\n".encode()
            async with site(saying(moved)) as there:
                declared = GitSource(git=f"{there.url}/x", readers=READERS, allow_private=True)
                async with opened(declared, tmp_path) as source:
                    with pytest.raises(SourceMissing):
                        await source.list({})
                assert there.connected == 1
            assert secret.connected == 0

    async def test_a_token_is_sent_and_nowhere_shown(self, tmp_path: Path) -> None:
        async with site(saying(b"HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n")) as there:
            declared = GitSource(git=f"{there.url}/x", token="env:T", readers=READERS, allow_private=True)
            async with opened(declared, tmp_path) as source:
                with pytest.raises(SourceMissing, match="403") as caught:
                    await source.list({})
            (visit,) = there.visits
        assert "Authorization: Basic eC1hY2Nlc3MtdG9rZW46d2hhdCBlbnY6VCBzYXlz\r\n" in visit.head
        assert "what env:T says" not in caught.value.message

    async def test_one_that_never_answers_is_left_in_time(self, tmp_path: Path) -> None:
        """With the helper that git started for it."""
        async with site(lambda visit: visit.until_gone()) as there:
            declared = GitSource(git=f"{there.url}/x", readers=READERS, allow_private=True)
            async with opened(declared, tmp_path, timeout_s=0.7) as source:
                with pytest.raises(SourceMissing, match="took longer than"):
                    await source.list({})
