"""The real command, run in this process or in one of its own."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import structlog
from click.testing import CliRunner

from buttress.cli.main import main


class Ran(msgspec.Struct, frozen=True):
    """What a command came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Put back how log lines are written: a command sets it for its process, which is ours here."""
    root, ours, config = logging.getLogger(), logging.getLogger("buttress"), structlog.get_config()
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.configure(**config)


@pytest.fixture
def run() -> Run:
    """Run the command line in this process, with `stdin`."""

    def once(*arguments: str | Path, stdin: bytes = b"") -> Ran:
        with CliRunner().isolation(input=stdin) as (out, err, _):
            code = main([str(one) for one in arguments])
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())

    return once


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """Run the command line in a process of its own, in an empty folder unless told otherwise."""

    def once(*arguments: str | bytes | Path, cwd: Path = tmp_path) -> Ran:
        words: Sequence[str | bytes | Path] = (sys.executable, "-m", "buttress", *arguments)
        # No pipe as stdin: its end would tell a role that its supervisor is gone.
        ran = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, check=False, timeout=50
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    return once
