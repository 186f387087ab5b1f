"""How a stage is run: within its time, with a report, and never to the harm of the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import MISTAKES
from buttress.knowledge.search_types import StageReport

T = TypeVar("T", bound=Sized)

_log = logging.getLogger(__name__)


class Stages:
    """Runs the stages of one search, and reports on each in the order they began.

    `budget_s` says how long the stage of a name may take.
    """

    def __init__(self, clock: Clock, budget_s: Callable[[str], float]) -> None:
        self._clock = clock
        self._budget_s = budget_s
        self._reports: list[StageReport | None] = []

    @property
    def reports(self) -> tuple[StageReport, ...]:
        """The reports so far."""
        return tuple(report for report in self._reports if report)

    @property
    def skipped(self) -> str:
        """What was skipped so far, and why; empty when nothing was."""
        return "; ".join(f"{one.name}: {one.note}" for one in self.reports if one.skipped)

    async def attempt(self, name: str, work: Callable[[], Awaitable[T]], note: str = "") -> T | None:
        """Return what `work` gives, awaited; None, and a report that says why, when it fails or is late."""
        done, timeout_s = self._begin(name), self._budget_s(name)
        try:
            async with asyncio.timeout(timeout_s):
                result = await work()
        except TimeoutError:
            done(note=f"took longer than {timeout_s:g} s", skipped=True)
        except ButtressError as error:
            done(note=f"{error.code}: {error.message}", skipped=True)
        except MISTAKES as error:
            _log.exception("the stage `%s` of a search broke", name)
            done(note=f"broke: {type(error).__name__}: {error}", skipped=True)
        else:
            done(count=len(result), note=note)
            return result
        return None

    @contextmanager
    def computing(self, name: str) -> Iterator[Callable[[Sized], None]]:
        """Time the block, which tells its result; a stage that every search needs: its errors go on."""
        done = self._begin(name)
        results: list[Sized] = []
        yield results.append
        done(count=sum(len(one) for one in results))

    def _begin(self, name: str) -> Callable[..., None]:
        place, began = len(self._reports), self._clock.monotonic()
        self._reports.append(None)

        def done(count: int = 0, note: str = "", *, skipped: bool = False) -> None:
            duration_ms = round((self._clock.monotonic() - began) * 1000, 3)
            self._reports[place] = StageReport(
                name=name, duration_ms=duration_ms, count=count, note=note, skipped=skipped
            )

        return done
