"""Which process a pid means."""

import os
import subprocess

import pytest

from buttress.processes.identity import _portable_identity, is_alive, process_identity


def test_a_living_process_is_itself_every_time() -> None:
    """And no other."""
    mine = process_identity(os.getpid())
    assert mine
    assert mine == process_identity(os.getpid())
    assert is_alive(os.getpid(), mine)
    with subprocess.Popen(["sleep", "60"]) as other:  # noqa: S607
        assert process_identity(other.pid) != mine
        assert not is_alive(other.pid, mine)
        other.kill()


@pytest.mark.parametrize("pid", [-1, 0, 999_999_999, 10**30])
def test_a_pid_of_nobody_has_no_identity(pid: int) -> None:
    """Also one that a broken file made up."""
    assert process_identity(pid) is None
    assert not is_alive(pid, "")


def test_a_zombie_has_ended() -> None:
    """Its pid is still taken, but nothing runs."""
    with subprocess.Popen(["true"]) as zombie:  # noqa: S607
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert process_identity(zombie.pid) is None
        assert _portable_identity(zombie.pid) is None


def test_without_proc_the_start_time_tells() -> None:
    """As on macOS."""
    assert _portable_identity(os.getpid()) == _portable_identity(os.getpid())
    assert _portable_identity(-1) is None
