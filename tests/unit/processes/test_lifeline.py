"""A child that notices that its parent is gone."""

import subprocess
import sys
import time

import pytest

from buttress.processes.identity import process_identity
from buttress.processes.lifeline import EXIT_CODE
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together


CHILD = """
import signal, sys, time
from buttress.processes.lifeline import exit_when_parent_dies
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(exit_when_parent_dies(*map(float, sys.argv[2:])), flush=True)
while "busy" in sys.argv:
    pass
time.sleep(5)
"""


@pytest.mark.parametrize(
    ("how", "code"),
    [
        pytest.param("calm", -15, id="it ends as by SIGTERM"),
        pytest.param("stubborn", EXIT_CODE, id="it ignores SIGTERM"),
        pytest.param("busy", -15, id="it computes"),
    ],
)
def test_a_child_ends_within_a_second_of_its_lifeline(how: str, code: int) -> None:
    """Whatever it is doing."""
    command = [sys.executable, "-c", CHILD, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdin
        assert child.stdout.readline() == b"True\n"
        child.stdin.write(b"what somebody writes there means nothing\n")
        child.stdin.flush()
        assert child.poll() is None
        begun = time.perf_counter()
        child.stdin.close()
        assert child.wait(timeout=4) == code
        assert time.perf_counter() - begun < 1


def test_a_child_that_asked_for_longer_gets_it_and_no_more() -> None:
    command = [sys.executable, "-c", CHILD, "stubborn", "1.5"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdin
        assert child.stdout.readline() == b"True\n"
        begun = time.perf_counter()
        child.stdin.close()
        assert child.wait(timeout=4) == EXIT_CODE
        assert time.perf_counter() - begun >= 1.5


def test_a_role_started_by_hand_has_no_lifeline() -> None:
    """As under systemd, where stdin is /dev/null and ends at once."""
    command = [sys.executable, "-c", CHILD.replace("time.sleep(5)", "")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"False\n"
    command = [sys.executable, "-c", DEAF.replace("time.sleep(30)", "")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"False\n"


DEAF = """
import time
from buttress.processes.lifeline import die_with_parent
print(die_with_parent(), flush=True)
time.sleep(30)
"""

PARENT = """
import subprocess, sys, time

command = [sys.executable, "-c", sys.argv[1]]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert b"True" in child.stdout.readline()
print(child.pid, flush=True)
time.sleep(30)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_child_that_cannot_listen_ends_with_its_parent() -> None:
    """Nobody reads its stdin, and it runs no Python for a while."""
    with subprocess.Popen([sys.executable, "-c", PARENT, DEAF], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert process_identity(child)
        parent.kill()
        wait_until(lambda: process_identity(child) is None)
