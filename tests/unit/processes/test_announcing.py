"""What a role says of itself."""

import os
from pathlib import Path
from shutil import rmtree

import pytest

from buttress.kernel.clock import Clock
from buttress.processes.announcing import Announcer, read_json, replace_file, said_file
from buttress.processes.errors import RunFolderUnusable
from buttress.processes.types import Said


def test_the_last_word_counts_and_can_be_taken_back(tmp_path: Path, clock: Clock) -> None:
    """The folder is made when it is not there."""
    announcer = Announcer(tmp_path / "run", "engine", clock)
    announcer.say(ready=False, message="loading")
    announcer.say(ready=True, address="http://127.0.0.1:7")
    said = read_json(said_file(tmp_path / "run", "engine"), Said)
    assert said
    assert (said.ready, said.message, said.address) == (True, "", "http://127.0.0.1:7")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["engine.json"]
    announcer.withdraw()
    announcer.withdraw()
    assert not list((tmp_path / "run").iterdir())


def test_a_late_end_does_not_take_back_what_the_successor_said(tmp_path: Path, clock: Clock) -> None:
    """The file is the successor's by then."""
    announcer = Announcer(tmp_path, "engine", clock)
    announcer.say(ready=True)
    path = said_file(tmp_path, "engine")
    path.write_bytes(path.read_bytes().replace(b'"pid":', b'"pid":1'))
    announcer.withdraw()
    assert path.exists()


def test_a_beat_moves_the_file_and_nothing_else(tmp_path: Path, clock: Clock) -> None:
    """No word is written again for it."""
    announcer, path = Announcer(tmp_path, "engine", clock), said_file(tmp_path, "engine")
    announcer.beat()
    assert not path.exists()
    announcer.say(ready=True)
    os.utime(path, (1, 1))
    before = path.stat()
    announcer.beat()
    after = path.stat()
    assert after.st_mtime > before.st_mtime
    assert after.st_ino == before.st_ino


def test_a_beat_says_again_what_somebody_removed(tmp_path: Path, clock: Clock) -> None:
    """But not what was withdrawn."""
    announcer, path = Announcer(tmp_path / "run", "engine", clock), said_file(tmp_path / "run", "engine")
    announcer.say(ready=True, address="a")
    rmtree(tmp_path / "run")
    announcer.beat()
    said = read_json(path, Said)
    assert said
    assert said.address == "a"
    announcer.withdraw()
    announcer.beat()
    assert not path.exists()


def test_a_beat_that_cannot_be_given_ends_nothing(tmp_path: Path, clock: Clock) -> None:
    """Here a file stands where the folder was."""
    announcer = Announcer(tmp_path / "run", "engine", clock)
    announcer.say(ready=True)
    rmtree(tmp_path / "run")
    (tmp_path / "run").write_text("")
    announcer.beat()
    announcer.keep_saying(ready=False)
    assert (tmp_path / "run").read_text() == ""


def test_what_is_no_news_is_not_written_again(tmp_path: Path, clock: Clock) -> None:
    """So it may be said all the time."""
    announcer, path = Announcer(tmp_path, "engine", clock), said_file(tmp_path, "engine")
    announcer.keep_saying(ready=True, message="one")
    first = path.read_bytes()
    announcer.keep_saying(ready=True, message="one")
    assert path.read_bytes() == first
    announcer.keep_saying(ready=True, message="two")
    assert path.read_bytes() != first


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """In one line."""
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderUnusable, match=r"run/engine\.json cannot be written"):
        replace_file(tmp_path / "run" / "engine.json", b"")


@pytest.mark.parametrize("broken", [b"", b"{", b'{"address": 7}', b'{"address": "\xff"}', b"[" * 2_000])
def test_what_is_no_run_file_says_nothing(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "engine.json"
    path.write_bytes(broken)
    assert read_json(path, Said) is None
