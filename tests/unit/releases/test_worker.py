"""The process of Python functions, spoken to over real pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

from buttress.releases.frames import (
    LENGTH_BYTES,
    Answered,
    Call,
    Failed,
    Load,
    Reply,
    Request,
    read_reply,
    to_frame,
)
from buttress.releases.worker import MAX_ANSWER_CHARACTERS

pytestmark = pytest.mark.slow

WORKER = [sys.executable, "-P", "-m", "buttress.releases.worker"]
LIMIT_S = 40.0


def talk(*requests: Request) -> tuple[list[Reply], subprocess.CompletedProcess[bytes]]:
    """Send all requests at once and end the input; return the replies, and how the process ended."""
    sent = b"".join(to_frame(request) for request in requests)
    ended = subprocess.run(WORKER, input=sent, capture_output=True, timeout=50, check=False)
    replies: list[Reply] = []
    rest = ended.stdout
    while rest:
        end = LENGTH_BYTES + int.from_bytes(rest[:LENGTH_BYTES], "big")
        replies.append(read_reply(rest[LENGTH_BYTES:end]))
        rest = rest[end:]
    return replies, ended


def load(source: str, within_s: float = LIMIT_S, path: str = "rules.py") -> Load:
    """Ask for the module `m`."""
    return Load(module="m", path=path, source=source.encode(), within_s=within_s)


def call(function: str = "answer", within_s: float = LIMIT_S, **values: object) -> Call:
    """Ask for a function of the module `m`."""
    return Call(module="m", function=function, values=values, within_s=within_s)


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        pytest.param("return 'for ' + values['q']", Answered("for me"), id="a text is the answer"),
        pytest.param("return None", Answered(None), id="None is no answer"),
        pytest.param(
            "return 5",
            Failed("it returned a value of type int, not a text or None"),
            id="a number is a failure",
        ),
        pytest.param("return values['x']", Failed("KeyError: 'x'"), id="an error is a failure"),
        pytest.param("raise SystemExit(3)", Failed("SystemExit: 3"), id="so is leaving"),
        pytest.param("raise KeyboardInterrupt", Failed("KeyboardInterrupt: "), id="so is an interrupt"),
        pytest.param(
            "raise ValueError('a\\nb\\ud800')", Failed("ValueError: a"), id="of an error the first line"
        ),
        pytest.param("return type('T', (str,), {})('x')", Answered("x"), id="a kind of text is a text"),
        pytest.param("return input()", Failed("EOFError: EOF when reading a line"), id="nothing to read"),
        pytest.param(f"return 'ü' * {MAX_ANSWER_CHARACTERS}", Answered("ü" * 100_000), id="a long answer"),
        pytest.param(
            f"return 'x' * {MAX_ANSWER_CHARACTERS + 1}",
            Failed("it returned 100,001 characters; 100,000 are allowed"),
            id="a book is a failure",
        ),
    ],
)
def test_a_function_answers_or_says_why_not(body: str, reply: Reply) -> None:
    replies, ended = talk(load(f"def answer(values):\n    {body}\n"), call(q="me"), call(q="me"))
    assert replies == [Answered(None), reply, reply]
    assert ended.returncode == 0


def test_half_a_character_is_no_answer() -> None:
    replies, _ = talk(load("def answer(values): return '\\ud800'"), call())
    assert isinstance(replies[1], Failed)
    assert "UnicodeEncodeError" in replies[1].reason


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("def answer(:", "SyntaxError", id="no Python"),
        pytest.param("import nowhere_to_be_found", "ModuleNotFoundError", id="an import that fails"),
        pytest.param("1 / 0", "ZeroDivisionError", id="an error while it loads"),
        pytest.param("raise SystemExit", "SystemExit", id="one that leaves"),
        pytest.param("# coding: klingon\ndef answer(values): ...", "SyntaxError", id="an unknown encoding"),
    ],
)
def test_a_file_that_does_not_load_says_why(source: str, said: str) -> None:
    (reply,), _ = talk(load(source))
    assert isinstance(reply, Failed)
    assert reply.reason.startswith(said)


@pytest.mark.parametrize("source", ["answer = 5", "def other(values): ..."])
def test_a_function_that_is_not_there(source: str) -> None:
    replies, _ = talk(load(source), call())
    assert replies[1] == Failed("there is no function `answer` in it")


def test_classes_of_the_file_know_their_module_and_the_file_its_place() -> None:
    source = (
        "from __future__ import annotations\n"
        "import dataclasses\n"
        "@dataclasses.dataclass\nclass Price:\n    euros: int = 5\n"
        "def answer(values):\n    return f'{Price().euros} {__file__}'\n"
    )
    replies, _ = talk(load(source, path="somewhere/prices.py"), call())
    assert replies[1] == Answered("5 somewhere/prices.py")


@pytest.mark.parametrize(
    "printing",
    [
        pytest.param("print('noise' * 100_000)", id="print"),
        pytest.param("import os; os.write(1, b'noise' * 100_000)", id="below Python"),
        pytest.param("import os; os.system('echo noise')", id="a command"),
    ],
)
def test_what_a_function_prints_goes_to_standard_error(printing: str) -> None:
    replies, ended = talk(load(f"def answer(values):\n    {printing}\n    return 'x'\n"), call())
    assert replies == [Answered(None), Answered("x")]
    assert b"noise" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX forks")
def test_a_copy_that_a_function_forks_does_not_answer_too() -> None:
    replies, _ = talk(load("import os\ndef answer(values):\n    os.fork()\n    return 'x'\n"), call())
    assert replies == [Answered(None), Answered("x")]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has alarms")
@pytest.mark.slow
def test_nobody_has_to_stop_a_late_one_when_there_is_no_parent_any_more() -> None:
    source = "import re\ndef answer(values): re.match('(a+)+b', 'a' * 60)\n"
    replies, ended = talk(load(source), call(within_s=0.1))
    assert replies == [Answered(None)]
    assert ended.returncode < 0


def test_half_a_frame_ends_it_quietly() -> None:
    for sent in (b"\0\0", to_frame(load("1"))[:-1]):
        ended = subprocess.run(WORKER, input=sent, capture_output=True, timeout=50, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_it_loads_next_to_nothing() -> None:
    """A process for each of several workers: what it takes counts as often."""
    source = "import sys\ndef answer(values): return ' '.join(sys.modules)\n"
    replies, _ = talk(load(source), call())
    assert isinstance(replies[1], Answered)
    assert replies[1].text is not None
    heavy = {"asyncio", "jinja2", "re2", "yaml", "psycopg", "aiohttp", "numpy", "structlog"}
    assert not heavy & set(replies[1].text.split())


def test_a_file_in_the_working_folder_is_no_module_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    ended = subprocess.run(WORKER, input=b"", cwd=tmp_path, timeout=50, check=False)
    assert ended.returncode == 0
