"""Locks on files, between this process and others."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.kernel.clock import Clock
from buttress.storage.filelocks import try_lock, wait_for_lock

HOLD = """
import sys
from pathlib import Path
from buttress.storage.filelocks import try_lock
lock = try_lock(Path(sys.argv[1]))
print("held" if lock else "busy", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """Also within one process, since a lock belongs to the open file."""
    first = try_lock(tmp_path / "lock")
    assert first
    assert try_lock(tmp_path / "lock") is None
    first.release()
    first.release()
    second = try_lock(tmp_path / "lock")
    assert second
    second.release()


def test_a_shared_lock_is_held_by_many_and_keeps_an_exclusive_one_out(tmp_path: Path) -> None:
    """The last one to leave can then lock exclusively."""
    held = [try_lock(tmp_path / "lock", shared=True) for _ in range(3)]
    assert all(held)
    for lock in held:
        assert try_lock(tmp_path / "lock") is None
        assert lock
        lock.release()
    with try_lock(tmp_path / "lock") or pytest.fail("nobody holds it"):
        assert try_lock(tmp_path / "lock", shared=True) is None


def test_a_lock_goes_with_a_process_that_is_killed(
    tmp_path: Path, clock: Clock, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    """`kill -9` leaves nothing behind."""
    process = spawn(HOLD, str(tmp_path / "lock"))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert wait_for_lock(tmp_path / "lock", clock, 0.05) is None
    process.kill()
    lock = wait_for_lock(tmp_path / "lock", clock, 10)
    assert lock
    lock.release()


def test_a_child_that_inherits_the_descriptor_holds_the_lock(
    tmp_path: Path, clock: Clock, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    """This is how a server is known to live without a pid."""
    lock = try_lock(tmp_path / "lock")
    assert lock
    with subprocess.Popen(["sleep", "30"], pass_fds=(lock.descriptor,)) as child:  # noqa: S607
        lock.release()
        assert try_lock(tmp_path / "lock") is None
        child.kill()
    again = wait_for_lock(tmp_path / "lock", clock, 10)
    assert again
    again.release()


def test_a_lock_is_not_taken_through_a_symbolic_link(tmp_path: Path) -> None:
    """Nobody can make us touch a file elsewhere."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        try_lock(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_is_not_inherited_unless_passed_on(tmp_path: Path) -> None:
    """A program that is started in passing does not keep a lock alive."""
    with try_lock(tmp_path / "lock") or pytest.fail("nobody holds it") as lock:
        assert not os.get_inheritable(lock.descriptor)
