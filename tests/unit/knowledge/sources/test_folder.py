"""A folder as a source, and what may lie in it."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import SourceMissing, TooLarge, Unreadable
from buttress.knowledge.sources.folder import Folder
from buttress.knowledge.sources.types import Content, Entry, Listing
from buttress.knowledge.types import FolderSource
from buttress.testing.contracts.source import SourceContract
from tests.unit.knowledge.sources.local import FolderHolding, later

DOCS = FolderSource(folder="docs", readers=("*",))
MAX = 1 << 20


class TestContract(SourceContract):
    """What every source promises."""

    @pytest.fixture
    def holding(self, tmp_path: Path) -> FolderHolding:
        return FolderHolding(tmp_path)


def put(project: Path, *files: str) -> None:
    """Write files that hold their own names."""
    for name in files:
        path = project / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def list_folder(declared: FolderSource, project: Path) -> Listing:
    """Return what the adapter lists."""
    return asyncio.run(Folder(declared, project, later()).list({}))


def read_file(entry: Entry, declared: FolderSource, project: Path, max_bytes: int) -> Content:
    """Return what the adapter reads."""
    return asyncio.run(Folder(declared, project, later()).read(entry, max_bytes))


def names(listing: Listing) -> list[str]:
    """Return the paths of the entries."""
    return [entry.path for entry in listing.entries]


def reasons(listing: Listing) -> dict[str, str]:
    """Return what was skipped, and why."""
    return {one.path: one.reason for one in listing.skipped}


def test_files_are_listed_in_order(tmp_path: Path) -> None:
    """By relative path; hidden names and excluded ones are passed over."""
    put(tmp_path, "b.md", "a/z.md", "a/README.md", ".git/config", "a/.hidden", "B.md")
    listing = list_folder(FolderSource(folder="docs", readers=("*",), exclude=("**/README.md",)), tmp_path)
    assert names(listing) == ["B.md", "a/z.md", "b.md"]
    assert listing.skipped == ()
    assert listing.entries[0].size_bytes == 4


@pytest.mark.parametrize("folder", ["docs", "docs/a.md"])
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, folder: str) -> None:
    """Not an empty source: an empty one would delete all its documents."""
    (tmp_path / "docs").mkdir(exist_ok=True)
    put(tmp_path, "a.md")
    missing = FolderSource(folder=folder + "x" if folder == "docs" else folder, readers=("*",))
    with pytest.raises(SourceMissing, match="docs"):
        list_folder(missing, tmp_path)


def test_a_folder_that_is_a_link_in_a_circle_is_an_error(tmp_path: Path) -> None:
    """Named, with the reason."""
    (tmp_path / "docs").symlink_to("docs")
    with pytest.raises(SourceMissing):
        list_folder(DOCS, tmp_path)


class TestLinks:
    """Links are followed within the folder, once."""

    def test_a_link_out_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        """Whoever may write a link must not read the machine through us."""
        put(tmp_path, "a.md")
        (tmp_path / "secret.md").write_text("secret")
        (tmp_path / "docs" / "out.md").symlink_to("../secret.md")
        (tmp_path / "docs" / "up").symlink_to("..")
        listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["a.md"]
        assert reasons(listing) == dict.fromkeys(["out.md", "up"], "is a link that leaves the folder")

    def test_circles_end(self, tmp_path: Path) -> None:
        """A link to itself, to a folder it stands in, and two to each other."""
        put(tmp_path, "a/b.md")
        docs = tmp_path / "docs"
        (docs / "self").symlink_to("self")
        (docs / "a" / "up").symlink_to("..")
        (docs / "a" / "here").symlink_to(".")
        (docs / "one").symlink_to("two")
        (docs / "two").symlink_to("one")
        listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["a/b.md"]
        assert reasons(listing) == {
            "self": "is a link in a circle",
            "one": "is a link in a circle",
            "two": "is a link in a circle",
            "a/up": "is a link to ., which is read there",
            "a/here": "is a link to a, which is read there",
        }

    def test_what_is_read_at_its_own_place_is_not_read_twice(self, tmp_path: Path) -> None:
        """Whichever name comes first in the alphabet."""
        put(tmp_path, "z/real.md")
        (tmp_path / "docs" / "a").symlink_to("z")
        (tmp_path / "docs" / "b.md").symlink_to("z/real.md")
        listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["z/real.md"]
        assert reasons(listing)["b.md"] == "is a link to z/real.md, which is read there"

    def test_links_to_hidden_places_are_followed(self, tmp_path: Path) -> None:
        """Kubernetes mounts configuration so: `a.md -> ..data/a.md`, `..data -> ..2024`."""
        put(tmp_path, "..2024/a.md")
        (tmp_path / "docs" / "..data").symlink_to("..2024")
        (tmp_path / "docs" / "a.md").symlink_to("..data/a.md")
        (file,) = list_folder(DOCS, tmp_path).entries
        assert file.path == "a.md"
        assert read_file(file, DOCS, tmp_path, MAX).data == b"..2024/a.md"

    def test_folders_that_link_to_each_other_are_walked_once(self, tmp_path: Path) -> None:
        """Twenty folders with two links each to the next would be a million paths."""
        docs = tmp_path / "docs"
        for n in range(20):
            (docs / f".d{n}").mkdir(parents=True)
            (docs / f".d{n}" / "l").symlink_to(f"../.d{n + 1}")
            (docs / f".d{n}" / "r").symlink_to(f"../.d{n + 1}")
        (docs / ".d20").mkdir()
        (docs / ".d20" / "end.md").write_text("x")
        (docs / "in").symlink_to(".d0")
        listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["in" + "/l" * 20 + "/end.md"]
        assert len(listing.skipped) == 20

    def test_a_file_replaced_by_a_link_after_it_was_listed_is_not_read(self, tmp_path: Path) -> None:
        """It is looked at again when it is read."""
        put(tmp_path, "a.md")
        (tmp_path / "secret.md").write_text("secret")
        (file,) = list_folder(DOCS, tmp_path).entries
        (tmp_path / "docs" / file.path).unlink()
        (tmp_path / "docs" / file.path).symlink_to("../secret.md")
        with pytest.raises(Unreadable, match=r"a\.md is a link that leaves"):
            read_file(file, DOCS, tmp_path, MAX)

    def test_a_link_to_nothing_is_named(self, tmp_path: Path) -> None:
        """People want to know why a file is missing."""
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "gone.md").symlink_to("nowhere.md")
        assert reasons(list_folder(DOCS, tmp_path)) == {"gone.md": "is a link to nothing"}


@pytest.mark.skipif(sys.platform == "win32", reason="files of POSIX")
class TestOddFiles:
    """What is no regular file is never opened; what cannot be read is named."""

    def test_pipes_sockets_and_strange_names_are_skipped_at_once(self, tmp_path: Path) -> None:
        """To open a pipe nobody writes to would wait for ever."""
        put(tmp_path, "a.md", "folder.md/inner.md")
        docs = tmp_path / "docs"
        os.mkfifo(docs / "pipe.md")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(docs / "socket.md"))
            Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.md")).write_text("x")
            (docs / "line\nbreak.md").write_text("x")
            listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["a.md", "folder.md/inner.md"]
        assert reasons(listing) == {
            "pipe.md": "is a pipe, not a file",
            "socket.md": "is a socket, not a file",
            "caf\\udce9.md": "has a name that is not UTF-8",
            "line\\nbreak.md": "has a name with characters that nobody sees",
        }

    def test_a_file_that_became_a_pipe_does_not_block(self, tmp_path: Path) -> None:
        """Between the list and the reading."""
        put(tmp_path, "a.md")
        (file,) = list_folder(DOCS, tmp_path).entries
        (tmp_path / "docs" / file.path).unlink()
        os.mkfifo(tmp_path / "docs" / file.path)
        began = time.perf_counter()
        with pytest.raises(Unreadable, match=r"a\.md is a pipe, not a file"):
            read_file(file, DOCS, tmp_path, MAX)
        assert time.perf_counter() - began < 1

    @pytest.mark.parametrize("became", ["a folder", "nothing"])
    def test_a_file_that_is_gone_is_one_clear_line(self, tmp_path: Path, became: str) -> None:
        """Named, not a traceback; and nothing stays open."""
        put(tmp_path, "a.md")
        (file,) = list_folder(DOCS, tmp_path).entries
        (tmp_path / "docs" / file.path).unlink()
        if became == "a folder":
            (tmp_path / "docs" / file.path).mkdir()
        with pytest.raises(Unreadable, match=r"a\.md"):
            read_file(file, DOCS, tmp_path, MAX)

    @pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read_is_named(self, tmp_path: Path) -> None:
        """A folder is skipped, a file fails when it is read."""
        put(tmp_path, "a.md", "closed/b.md")
        (tmp_path / "docs" / "closed").chmod(0)
        (tmp_path / "docs" / "a.md").chmod(0)
        listing = list_folder(DOCS, tmp_path)
        assert "closed" in reasons(listing)
        with pytest.raises(Unreadable, match="Permission"):
            read_file(listing.entries[0], DOCS, tmp_path, MAX)

    def test_a_gigabyte_is_refused_by_its_size(self, tmp_path: Path) -> None:
        """A sparse file: to read it would take the memory all the same."""
        put(tmp_path, "big.txt")
        with (tmp_path / "docs" / "big.txt").open("r+b") as stream:
            stream.truncate(1 << 30)
        (file,) = list_folder(DOCS, tmp_path).entries
        began = time.perf_counter()
        with pytest.raises(TooLarge, match=r"big\.txt has 1,073,741,824 bytes; the limit is 1,048,576"):
            read_file(file, DOCS, tmp_path, MAX)
        assert time.perf_counter() - began < 1

    def test_very_deep_folders_are_left_out_and_named(self, tmp_path: Path) -> None:
        """Nobody sorts documents a hundred folders deep."""
        put(tmp_path, "d/" * 70 + "a.md", "b.md")
        listing = list_folder(DOCS, tmp_path)
        assert names(listing) == ["b.md"]
        assert "folders deep" in next(iter(reasons(listing).values()))


def test_a_source_outside_of_its_list_cannot_be_read(tmp_path: Path) -> None:
    """A made-up file with a path of its own is held to the folder, too."""
    put(tmp_path, "a.md")
    (tmp_path / "secret.md").write_text("x")
    made_up = Entry(path="../secret.md")
    with pytest.raises(ButtressError):
        read_file(made_up, DOCS, tmp_path, MAX)


@settings(max_examples=25)
@given(st.sets(st.from_regex(r"[ab]{1,2}(/[ab]{1,2}){0,2}\.md", fullmatch=True), max_size=8))
def test_the_list_is_complete_and_in_order(tmp_path_factory: pytest.TempPathFactory, files: set[str]) -> None:
    """Whatever the order in which the system tells names."""
    project = tmp_path_factory.mktemp("project")
    (project / "docs").mkdir()
    put(project, *files)
    assert names(list_folder(DOCS, project)) == sorted(files)
