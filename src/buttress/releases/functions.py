"""Python functions as rules: loaded by hash, called in a thread of their own, with a deadline.

The code is the team's own and trusted, but it may fail, hang, or have been changed since the release was
compiled. A thread cannot be stopped: one that is late goes on by itself, and counts against the number that
may run at once, so that a function that hangs costs its own answers and nothing else.
"""

import asyncio
import importlib.abc
import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from buttress.releases.errors import RuleUnloadable
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import FunctionRule, file_sha256

T = TypeVar("T")
RuleFunction = Callable[[dict[str, object]], object]

MAX_ANSWER_CHARACTERS = 100_000
MAX_SOURCE_BYTES = 1_000_000


class Failed(msgspec.Struct, frozen=True):
    """Why there is no result."""

    reason: str


class Threads:
    """Runs blocking code in threads, at most `limit` at once, each with a deadline for whoever waits."""

    def __init__(self, limit: int) -> None:
        self._free = threading.Semaphore(limit)
        self._limit = limit

    async def run(self, work: Callable[[], T], deadline_s: float) -> T | Failed:
        """Return what `work` returns, or why it did not within `deadline_s`. It never raises."""
        if not self._free.acquire(blocking=False):
            return Failed(f"{self._limit} calls are still running")
        outcome = _Outcome(work, asyncio.get_running_loop(), self._free.release)
        # A daemon: a function that hangs must not keep the process from ending.
        threading.Thread(target=outcome.produce, daemon=True, name="buttress-rule").start()
        try:
            async with asyncio.timeout(deadline_s):
                await outcome.ended.wait()
        except TimeoutError:
            return Failed(f"it took longer than {deadline_s:g} s")
        return outcome.result()


class _Outcome(Generic[T]):
    """What came of a piece of work; as a context manager it keeps whatever ends the block."""

    def __init__(
        self, work: Callable[[], T], loop: asyncio.AbstractEventLoop, release: Callable[[], None]
    ) -> None:
        self._work = work
        self._loop = loop
        self._release = release
        self._results: list[T] = []
        self._error: BaseException | None = None
        self.ended = asyncio.Event()

    def produce(self) -> None:
        """Do the work; in its own thread."""
        with self:
            self._results.append(self._work())
        self._release()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.ended.set)

    def result(self) -> T | Failed:
        """Return the result, once it has ended."""
        if self._results:
            return self._results[0]
        error = self._error
        return Failed(f"{type(error).__name__}: {_first_line(str(error))}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._error = error
        return True


async def load_function(
    folder: Path, rule: FunctionRule, threads: Threads, settings: ReleaseSettings
) -> RuleFunction:
    """Return the function of `rule`, from the file in the feature's `folder`.

    Raises:
        RuleUnloadable: the file is not the one that was compiled, fails or takes too long to load, or has no
            such function.
    """
    name = f"{rule.file}:{rule.function}"
    path = folder / rule.file
    loaded = await threads.run(lambda: _loaded(path, rule), settings.load_deadline_s)
    if isinstance(loaded, Failed):
        raise RuleUnloadable(f"{name} does not load: {loaded.reason}")
    found: object = getattr(loaded, rule.function, None)
    if not callable(found):
        raise RuleUnloadable(f"{name} does not load: there is no such function in it")
    function: RuleFunction = found
    return function


async def call_function(
    function: RuleFunction, values: Mapping[str, object], threads: Threads, deadline_s: float
) -> str | Failed | None:
    """Return the function's answer to a copy of `values`, None when it has none, or why it failed."""
    given = msgspec.to_builtins(dict(values))  # its own copy: what it changes stays with it
    answer = await threads.run(lambda: function(given), deadline_s)
    if answer is None or isinstance(answer, Failed):
        return answer
    if not isinstance(answer, str):
        return Failed(f"it returned a value of type {type(answer).__name__}, not a text or None")
    if len(answer) > MAX_ANSWER_CHARACTERS:
        return Failed(f"it returned {len(answer):,} characters; {MAX_ANSWER_CHARACTERS:,} are allowed")
    return answer


def _loaded(path: Path, rule: FunctionRule) -> ModuleType:
    """Return the module at `path`. What is run are the very bytes whose hash was compared."""
    with path.open("rb") as file:
        data = file.read(MAX_SOURCE_BYTES + 1)
    if file_sha256(data) != rule.sha256:
        raise ImportError("the file is not the one the release was compiled from")
    name = f"buttress_rules_{rule.sha256}"
    spec = importlib.util.spec_from_loader(name, _Source(data, path), origin=str(path))
    if spec is None or spec.loader is None:
        raise ImportError("the file is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class's module up
    spec.loader.exec_module(module)
    return module


class _Source(importlib.abc.InspectLoader):
    """Loads a module from bytes that were read already."""

    def __init__(self, data: bytes, path: Path) -> None:
        self._data = data
        self._path = path

    def get_source(self, fullname: str) -> str:
        """See `importlib.abc.InspectLoader.get_source`; there is one module only, whatever its name."""
        del fullname
        return importlib.util.decode_source(self._data)


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0][:300]
