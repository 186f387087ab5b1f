"""The functions of a release: the right file, read once, and what did not load is not tried again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from buttress.releases.frames import Failed
from buttress.releases.functions import MAX_LOADS, MAX_SOURCE_BYTES, Functions
from buttress.releases.pool import FunctionPool
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import FunctionRule, file_sha256

pytestmark = pytest.mark.slow

ECHO = "def answer(values): return values['q']\n"


@pytest.fixture
async def pool() -> AsyncIterator[FunctionPool]:
    """Processes that are given time."""
    pool = FunctionPool(ReleaseSettings(function_deadline_s=50, load_deadline_s=50, function_processes=1))
    yield pool
    await pool.aclose()


def written(folder: Path, source: str, name: str = "rules.py") -> FunctionRule:
    """Write a file and return the rule of its `answer`."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(source.encode())
    return FunctionRule(name, "answer", file_sha256(source.encode()))


async def test_a_function_is_asked(tmp_path: Path, pool: FunctionPool) -> None:
    assert await Functions(tmp_path, pool).ask(written(tmp_path, ECHO), {"q": "me"}) == "me"


async def test_what_a_function_does_to_its_input_stays_with_it(tmp_path: Path, pool: FunctionPool) -> None:
    rule = written(tmp_path, "def answer(values):\n    values['list'].append(1)\n    return 'x'\n")
    values: dict[str, object] = {"list": [0]}
    assert await Functions(tmp_path, pool).ask(rule, values) == "x"
    assert values == {"list": [0]}


async def test_files_of_one_name_and_content_in_two_features_are_two(
    tmp_path: Path, pool: FunctionPool
) -> None:
    counting = "calls = []\ndef answer(values):\n    calls.append(1)\n    return str(len(calls))\n"
    answers = [
        await Functions(folder, pool).ask(written(folder, counting), {})
        for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b")
    ]
    assert answers == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("sha256", "said"),
    [
        pytest.param("0" * 64, "not the file that the release was compiled from", id="a changed file"),
        pytest.param(None, "No such file", id="a missing file"),
    ],
)
async def test_a_file_that_is_not_the_compiled_one_is_not_run(
    tmp_path: Path, pool: FunctionPool, sha256: str | None, said: str
) -> None:
    ran = tmp_path / "ran"
    name = "rules.py" if sha256 else "no.py"
    written(tmp_path, f"open({str(ran)!r}, 'w')\n{ECHO}")
    answer = await Functions(tmp_path, pool).ask(FunctionRule(name, "answer", sha256 or ""), {})
    assert isinstance(answer, Failed)
    assert said in answer.reason
    assert not ran.exists()


async def test_a_file_that_is_there_again_is_run(tmp_path: Path, pool: FunctionPool) -> None:
    rule, functions = written(tmp_path, ECHO), Functions(tmp_path, pool)
    (tmp_path / "rules.py").write_text("")
    assert isinstance(await functions.ask(rule, {"q": "x"}), Failed)
    written(tmp_path, ECHO)
    assert await functions.ask(rule, {"q": "x"}) == "x"


async def test_a_file_that_is_too_large_is_not_run(tmp_path: Path, pool: FunctionPool) -> None:
    rule = written(tmp_path, ECHO + "#" * MAX_SOURCE_BYTES)
    assert isinstance(await Functions(tmp_path, pool).ask(rule, {"q": "x"}), Failed)


async def test_what_was_compiled_runs_whatever_becomes_of_the_file(
    tmp_path: Path, pool: FunctionPool
) -> None:
    rule, functions = written(tmp_path, ECHO), Functions(tmp_path, pool)
    assert await functions.ask(rule, {"q": "one"}) == "one"
    (tmp_path / "rules.py").unlink()
    assert await functions.ask(rule, {"q": "two"}) == "two"


async def test_a_file_that_does_not_load_is_loaded_once(tmp_path: Path, pool: FunctionPool) -> None:
    tries = tmp_path / "tries"
    rule = written(tmp_path, f"open({str(tries)!r}, 'a').write('x')\n1 / 0\n{ECHO}")
    functions = Functions(tmp_path, pool)
    answers = [await functions.ask(rule, {}) for _ in range(3)]
    assert answers == [Failed("its file does not load: ZeroDivisionError: division by zero")] * 3
    assert tries.read_text() == "x"
    await Functions(tmp_path, pool).ask(rule, {})  # of another release
    assert tries.read_text() == "xx"


async def test_a_file_that_takes_its_process_along_is_given_another_chance(
    tmp_path: Path, pool: FunctionPool
) -> None:
    """The system may have ended it."""
    tries = tmp_path / "tries"
    once = f"import os\np = {str(tries)!r}\nif not os.path.exists(p):\n    os.mkdir(p)\n    os._exit(9)\n"
    rule = written(tmp_path, once + ECHO)
    functions = Functions(tmp_path, pool)
    first = await functions.ask(rule, {"q": "a"})
    assert first == Failed("its file does not load: its process ended with code 9")
    assert await functions.ask(rule, {"q": "a"}) == "a"


async def test_a_file_that_always_does_is_given_up(tmp_path: Path, pool: FunctionPool) -> None:
    """Each try costs a call its time."""
    tries = tmp_path / "tries"
    rule = written(tmp_path, f"import os\nopen({str(tries)!r}, 'a').write('x')\nos._exit(9)\n{ECHO}")
    functions = Functions(tmp_path, pool)
    for _ in range(MAX_LOADS + 2):
        await functions.ask(rule, {})
    assert tries.read_text() == "x" * MAX_LOADS
