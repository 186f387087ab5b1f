"""Record: one trace for every call, on every way out."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import (
    DocumentAmbiguous,
    DocumentUnknown,
    FeatureUnknown,
    InputInvalid,
    ModelUnknown,
)
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable, WrongKind
from buttress.tracing.types import PROCESS_DIED, Outcome, Trace

REFUSALS = (
    *(FeatureUnknown, InputInvalid, ModelUnknown, DocumentUnknown, DocumentAmbiguous),
    *(RequestInvalid, StateUnsupported, Untranslatable, WrongKind),
)


@contextmanager
def recorded(call: Call) -> Iterator[None]:
    """Write the call's trace when the block is left: by its end, an error, or because nobody waits.

    Where the process is killed in the block, what was noted at its beginning becomes the trace.
    """
    call.ports.begin(_lost(call))
    with ending(call.trace_id, partial(_record, call)):
        yield


def _record(call: Call, outcome: Outcome | None, code: str | None) -> None:
    call.ports.record(_trace(call, outcome or call.outcome, code or call.reason or None))


class ending:  # noqa: N801 - used as a `with` block, like the standard library's
    """Have `record` called when the block is left, with how the call ended, and the code of why.

    None for both where it came to its end by itself. What was cancelled with a message (`task.cancel(code)`)
    has that as its code; one that nobody waits for any more has none. An error carries `trace_id` in its data
    from then on, so that whoever gets it can name the trace.

    A class, since a generator costs thrice as much.
    """

    def __init__(self, trace_id: TraceId, record: Callable[[Outcome | None, str | None], None]) -> None:
        self._trace_id = trace_id
        self._record = record

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell."""
        if isinstance(error, ButtressError):
            error.data = {**error.data, "trace_id": self._trace_id}
        self._record(*_end_of(error))


def _end_of(error: BaseException | None) -> tuple[Outcome | None, str | None]:
    match error:
        case None:
            return None, None
        case GeneratorExit() | asyncio.CancelledError():
            return "cancelled", str(error.args[0]) if error.args else None
        case ButtressError():
            return ("refused" if isinstance(error, REFUSALS) else "failed"), error.code
        case _:
            return "failed", f"bug.{type(error).__name__}"


def _lost(call: Call) -> Trace:
    """Return the trace of a call that is heard of no more; how long it took and what it cost nobody knows."""
    return Trace(
        trace_id=call.trace_id,
        tenant=_sayable(call.asked.tenant),
        feature=_sayable(call.asked.feature),
        release_id=call.release_id,
        user_id=_user(call),
        key_id=call.asked.key,
        tags=dict(call.asked.tags),
        started_at=call.started_at,
        duration_ms=0.0,
        outcome="lost",
        error_code=PROCESS_DIED,
        input=call.asked.input,
    )


def _trace(call: Call, outcome: Outcome, code: str | None) -> Trace:
    return msgspec.structs.replace(
        _lost(call),
        duration_ms=round(call.recorder.elapsed_ms(), 3),
        outcome=outcome,
        error_code=code,
        model=call.model,
        answer="".join(call.text),
        citations=_plain(call.citations),
        support=msgspec.structs.asdict(call.support),
        withheld=_plain(call.withheld),
        passages=_plain(call.passages),
        spans=call.recorder.spans,
        attempts=_plain(call.attempts),
        usage=call.usage,
        cost_nanodollars=call.cost,
    )


def _user(call: Call) -> str | None:
    return None if call.asked.user is None else _sayable(call.asked.user)


def _sayable(name: str) -> str:
    """Return `name` with halves of surrogate pairs, which no encoding can carry, written out."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def _plain(things: object) -> list[dict[str, object]]:
    return msgspec.convert(msgspec.to_builtins(things), list[dict[str, object]])
