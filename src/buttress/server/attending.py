"""Work that somebody waits for: it is cancelled when its client hangs up, or the server's time is up."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.server.bells import Bell
from buttress.server.errors import MISTAKES, Stopping, as_error

T = TypeVar("T")


class Attention(msgspec.Struct, frozen=True):
    """What ends work early: `gone` rings when the client hangs up, `draining` when the time is up."""

    gone: Bell
    draining: Bell


async def attended(work: Coroutine[object, object, T], attention: Attention) -> T:
    """Return what `work` returns. No task is made for it: most work ends before anybody leaves.

    Raises:
        ConnectionResetError: the client went away; the work was cancelled.
        Stopping: the server stops; the work was cancelled.
        ButtressError: what the work raised; `Failed` for what is a mistake of ours.
    """
    if attention.gone.has_rung or attention.draining.has_rung:
        work.close()
        raise _gone() if attention.gone.has_rung else _stopping()
    end = _End()
    leave, stop = end.leave, end.stop
    attention.gone.listen(leave)
    attention.draining.listen(stop)
    try:
        return await work
    except asyncio.CancelledError:
        raise end.reason() from None
    except MISTAKES as error:
        raise as_error(error) from error
    finally:
        attention.gone.ignore(leave)
        attention.draining.ignore(stop)


class _End:
    """Cancels the task that made it, and knows why; the cancellation holds the code of an error."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._why: Exception | None = None

    def leave(self) -> None:
        self._cancel(_gone())

    def stop(self) -> None:
        self._cancel(_stopping())

    def reason(self) -> BaseException:
        """Return why the work was cancelled; the cancellation itself where that was somebody else."""
        if self._why is None or self._task is None or self._task.uncancel() > 0:
            return asyncio.CancelledError()
        return self._why

    def _cancel(self, why: Exception) -> None:
        if self._why is None and self._task is not None:
            self._why = why
            if asyncio.current_task() is not self._task:  # it is at its end, and would be cancelled after
                self._task.cancel(why.code if isinstance(why, ButtressError) else None)


def _gone() -> ConnectionResetError:
    return ConnectionResetError("the client went away")


def _stopping() -> Stopping:
    return Stopping("the server stopped before the answer was whole")
