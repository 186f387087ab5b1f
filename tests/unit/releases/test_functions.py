"""Python functions as rules: the right file, the deadline, and whatever they raise."""

import asyncio
from pathlib import Path

import pytest

from buttress.releases.errors import RuleUnloadable
from buttress.releases.functions import (
    MAX_ANSWER_CHARACTERS,
    Failed,
    RuleFunction,
    Threads,
    call_function,
    load_function,
)
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import FunctionRule, file_sha256

SETTINGS = ReleaseSettings(load_deadline_s=5)


async def loaded(folder: Path, source: str, function: str = "answer") -> RuleFunction:
    """Load a function from a file that holds `source`."""
    (folder / "rules.py").write_bytes(source.encode())
    rule = FunctionRule("rules.py", function, file_sha256(source.encode()))
    return await load_function(folder, rule, Threads(4), SETTINGS)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("return 'for ' + values['q']", "for me", id="a text is the answer"),
        pytest.param("return None", None, id="None is no answer"),
        pytest.param("return 5", "type int", id="a number is a failure"),
        pytest.param("return values['missing']", "KeyError", id="an error is a failure"),
        pytest.param("raise SystemExit(3)", "SystemExit", id="so is leaving"),
        pytest.param(f"return 'x' * {MAX_ANSWER_CHARACTERS + 1}", "characters", id="and a book"),
    ],
)
async def test_a_function_answers_or_says_why_not(tmp_path: Path, body: str, outcome: str | None) -> None:
    function = await loaded(tmp_path, f"def answer(values):\n    {body}\n")
    answer = await call_function(function, {"q": "me"}, Threads(4), 5)
    if isinstance(answer, Failed):
        assert outcome
        assert outcome in answer.reason
    else:
        assert answer == outcome


async def test_what_a_function_does_to_its_input_stays_with_it(tmp_path: Path) -> None:
    function = await loaded(tmp_path, "def answer(values):\n    values['list'].append(1)\n    return 'x'\n")
    values: dict[str, object] = {"list": [0]}
    assert await call_function(function, values, Threads(4), 5) == "x"
    assert values == {"list": [0]}


async def test_a_late_function_is_left_behind_and_counts_until_it_ends(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    source = (
        "import pathlib, time\n"
        "def answer(values):\n"
        f"    while not pathlib.Path({str(stop)!r}).exists():\n        time.sleep(0.01)\n    return 'late'\n"
    )
    function, threads = await loaded(tmp_path, source), Threads(1)
    late = await call_function(function, {}, threads, 0.05)
    assert late == Failed("it took longer than 0.05 s")
    assert await call_function(function, {}, threads, 5) == Failed("1 calls are still running")
    stop.touch()
    async with asyncio.timeout(10):
        while await call_function(function, {}, threads, 5) != "late":  # noqa: ASYNC110 - another thread ends it
            await asyncio.sleep(0.01)


async def test_a_cancelled_wait_does_not_lose_the_thread_s_place(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    source = (
        "import pathlib, time\n"
        "def answer(values):\n"
        f"    while not pathlib.Path({str(stop)!r}).exists():\n        time.sleep(0.01)\n    return 'x'\n"
    )
    function, threads = await loaded(tmp_path, source), Threads(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await call_function(function, {}, threads, 60)
    stop.touch()
    async with asyncio.timeout(10):
        while await call_function(function, {}, threads, 5) != "x":  # noqa: ASYNC110 - another thread ends it
            await asyncio.sleep(0.01)


async def test_many_calls_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    function, threads = await loaded(tmp_path, "def answer(values):\n    return values['q']\n"), Threads(50)
    calls = [call_function(function, {"q": str(number)}, threads, 5) for number in range(50)]
    assert await asyncio.gather(*calls) == [str(number) for number in range(50)]


async def test_a_file_that_was_changed_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "rules.py").write_text(f"open({str(ran)!r}, 'w')\ndef answer(values): return 'x'\n")
    rule = FunctionRule("rules.py", "answer", file_sha256(b"def answer(values): return 'x'\n"))
    with pytest.raises(RuleUnloadable, match="not the one"):
        await load_function(tmp_path, rule, Threads(4), SETTINGS)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("def answer(:", "SyntaxError", id="no Python"),
        pytest.param("import nowhere_to_be_found", "ModuleNotFoundError", id="an import that fails"),
        pytest.param("1 / 0", "ZeroDivisionError", id="an error while it loads"),
        pytest.param("raise SystemExit", "SystemExit", id="one that leaves"),
        pytest.param("answer = 5", "no such function", id="not a function"),
        pytest.param("def other(values): ...", "no such function", id="another function"),
        pytest.param("# coding: klingon\ndef answer(values): ...", "SyntaxError", id="an unknown encoding"),
    ],
)
async def test_a_file_that_does_not_load_says_why(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(RuleUnloadable, match=said):
        await loaded(tmp_path, source)


async def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuleUnloadable, match="FileNotFoundError"):
        await load_function(tmp_path, FunctionRule("no.py", "answer", ""), Threads(4), SETTINGS)


async def test_classes_of_the_file_know_their_module(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\n"
        "import dataclasses\n"
        "@dataclasses.dataclass\nclass Price:\n    euros: int = 5\n"
        "def answer(values):\n    return f'{Price().euros} EUR'\n"
    )
    assert await call_function(await loaded(tmp_path, source), {}, Threads(4), 5) == "5 EUR"
