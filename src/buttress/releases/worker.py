"""The process of Python functions: requests on standard input, replies on standard output, one at a time.

Started by `pool` as `python -m buttress.releases.worker`. It ends when its input does. What the functions
print goes to standard error, never into the replies; their standard input is empty.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys
from types import ModuleType, TracebackType
from typing import BinaryIO, Self

from buttress.releases.frames import (
    LENGTH_BYTES,
    Answered,
    Call,
    Failed,
    Load,
    Reply,
    Request,
    read_request,
    to_frame,
)
from buttress.releases.prints import Prints

MAX_ANSWER_CHARACTERS = 100_000
_GRACE_S = 2.0
"""The parent stops a late process first; the alarm is for when there is no parent any more."""


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end is ours
    requests, replies = _take_pipes()
    prints, modules, process = Prints(), dict[str, ModuleType](), os.getpid()
    while (body := _read_frame(requests)) is not None:
        prints.begin()
        frame = _reply(read_request(body), modules)
        if os.getpid() != process:  # a copy that the function forked: it must not answer, too
            os._exit(0)
        replies.write(frame)
        replies.flush()
    prints.end()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes to the parent, which are not where the functions look for them."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests, replies


def _read_frame(stream: BinaryIO) -> bytes | None:
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    body = stream.read(int.from_bytes(length, "big"))
    return body if len(body) == int.from_bytes(length, "big") else None


def _reply(request: Request, modules: dict[str, ModuleType]) -> bytes:
    """Return the frame of what came of a request, whatever the team's code does."""
    outcome = _Outcome()
    _set_alarm(request.within_s + _GRACE_S)
    with outcome:
        outcome.frame = to_frame(_done(request, modules))
    _set_alarm(0)
    return outcome.frame


class _Outcome:
    """The frame of a reply; as a context manager it keeps whatever ends the block, `SystemExit` as well."""

    frame = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is not None:
            said = f"{type(error).__name__}: {_first_line(str(error))}"
            self.frame = to_frame(Failed(said.encode(errors="replace").decode()))
        return True


def _done(request: Request, modules: dict[str, ModuleType]) -> Reply:
    if isinstance(request, Call):
        return _called(modules[request.module], request)
    modules[request.module] = _loaded(request)
    return Answered(None)


def _called(module: ModuleType, request: Call) -> Reply:
    function: object = getattr(module, request.function, None)
    if not callable(function):
        return Failed(f"there is no function `{request.function}` in it")
    answer: object = function(request.values)
    if answer is None:
        return Answered(None)
    if not isinstance(answer, str):
        return Failed(f"it returned a value of type {type(answer).__name__}, not a text or None")
    if len(answer) > MAX_ANSWER_CHARACTERS:
        return Failed(f"it returned {len(answer):,} characters; {MAX_ANSWER_CHARACTERS:,} are allowed")
    return Answered("".join(answer))  # of a subclass of `str` only the text


def _loaded(request: Load) -> ModuleType:
    spec = importlib.util.spec_from_loader(request.module, _Source(request))
    if spec is None or spec.loader is None:
        raise ImportError("the file is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[request.module] = module  # dataclasses and pickling look a class's module up
    spec.loader.exec_module(module)
    return module


class _Source(importlib.abc.ExecutionLoader):
    """Loads a module from bytes that were read already; there is one module only, whatever its name."""

    def __init__(self, request: Load) -> None:
        self._request = request

    def get_source(self, fullname: str) -> str:
        """See `importlib.abc.InspectLoader.get_source`."""
        del fullname
        return importlib.util.decode_source(self._request.source)

    def get_filename(self, fullname: str) -> str:
        """See `importlib.abc.ExecutionLoader.get_filename`."""
        del fullname
        return self._request.path


def _set_alarm(seconds: float) -> None:
    """Have the system end this process after so long, even inside a library; 0 takes it back."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0][:300]


if __name__ == "__main__":
    main()
