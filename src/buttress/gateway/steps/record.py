"""Record: one trace for every call, on every way out."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import FeatureUnknown, InputInvalid, ModelUnknown
from buttress.kernel.errors import ButtressError
from buttress.tracing.types import PROCESS_DIED, Outcome, Trace

REFUSALS = (FeatureUnknown, InputInvalid, ModelUnknown)


@contextmanager
def recorded(call: Call) -> Iterator[None]:
    """Write the call's trace when the block is left: by its end, an error, or because nobody waits.

    Where the process is killed in the block, what was noted at its beginning becomes the trace.
    """
    call.ports.begin(_lost(call))
    with ending(partial(_record, call)):
        yield


def _record(call: Call, outcome: Outcome | None, code: str | None) -> None:
    call.ports.record(_trace(call, outcome or call.outcome, code or call.reason or None))


@contextmanager
def ending(record: Callable[[Outcome | None, str | None], None]) -> Iterator[None]:
    """Have `record` called when the block is left, with how the call ended, and the code of why.

    None for both where it came to its end by itself.
    """
    outcome: Outcome | None = None
    code: str | None = None
    try:
        yield
    except (GeneratorExit, asyncio.CancelledError):
        outcome = "cancelled"
        raise
    except ButtressError as error:
        outcome, code = ("refused" if isinstance(error, REFUSALS) else "failed"), error.code
        raise
    except BaseException as error:
        outcome, code = "failed", f"bug.{type(error).__name__}"
        raise
    finally:
        record(outcome, code)


def _lost(call: Call) -> Trace:
    """Return the trace of a call that is heard of no more; how long it took and what it cost nobody knows."""
    return Trace(
        trace_id=call.trace_id,
        tenant=_sayable(call.asked.tenant),
        feature=_sayable(call.asked.feature),
        release_id=call.release_id,
        user_id=_user(call),
        started_at=call.started_at,
        duration_ms=0.0,
        outcome="lost",
        error_code=PROCESS_DIED,
        input=call.asked.input,
    )


def _trace(call: Call, outcome: Outcome, code: str | None) -> Trace:
    return Trace(
        trace_id=call.trace_id,
        tenant=_sayable(call.asked.tenant),
        feature=_sayable(call.asked.feature),
        release_id=call.release_id,
        user_id=_user(call),
        started_at=call.started_at,
        duration_ms=round(call.recorder.elapsed_ms(), 3),
        outcome=outcome,
        error_code=code,
        model=call.model,
        input=call.asked.input,
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
