"""What a role says of itself."""

from pathlib import Path

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


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """In one line."""
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderUnusable, match=r"run/engine\.json cannot be written"):
        replace_file(tmp_path / "run" / "engine.json", b"")
