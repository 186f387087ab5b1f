"""What functions print, in a process of its own: its standard streams are replaced."""

import subprocess
import sys

import pytest

from buttress.releases.prints import MAX_PRINTED_BYTES

BEGIN = "import os, sys\nfrom buttress.releases.prints import Prints\nprints = Prints()\n"


def printed(code: str) -> bytes:
    """Run `code` between the beginning and the end of `prints`; return what came out on standard error."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{BEGIN}{code}\nprints.end()\n"], capture_output=True, timeout=50, check=True
    )
    assert ended.stdout == b""
    return ended.stderr


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print('hello')", id="print"),
        pytest.param("sys.stderr.write('hello\\n')", id="standard error"),
        pytest.param("os.write(1, b'hello\\n')", id="below Python"),
        pytest.param("os.system('echo hello')", id="a command"),
    ],
)
def test_what_is_printed_goes_to_standard_error(code: str) -> None:
    assert printed(code) == b"hello\n"


def test_so_much_of_it_is_passed_on_and_the_rest_said_to_be_missing() -> None:
    said = printed("for _ in range(10_000):\n    print('noise' * 100)")
    assert MAX_PRINTED_BYTES <= len(said) < MAX_PRINTED_BYTES + 100
    assert said.endswith(b"(a function of the rules prints more than is shown)\n")
    assert said.count(b"more than is shown") == 1


def test_the_next_call_may_print_again() -> None:
    again = "for _ in range(50):\n    prints.begin()\n    print('hello')\n    time.sleep(0.01)\n"
    assert b"hello" in printed(f"import time\nos.write(1, b'a' * 200_000)\n{again}")
