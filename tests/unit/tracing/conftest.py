"""Traces to test with."""

from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from buttress.kernel.ids import ReleaseId, TraceId
from buttress.kernel.usage import NanoDollars, Usage
from buttress.testing.clock import NOON
from buttress.tracing.types import Trace

MakeTrace = Callable[..., Trace]
_numbers = count()


@pytest.fixture
def make_trace() -> MakeTrace:
    """Return a function that makes a trace with an id of its own; fields may be given."""

    def make(**fields: object) -> Trace:
        trace = Trace(
            trace_id=TraceId(f"tr_{next(_numbers):026}"),
            tenant="default",
            feature="support",
            release_id=ReleaseId("rel_0123456789abcdef"),
            user_id="ada",
            started_at=NOON,
            duration_ms=12.5,
            outcome="answered",
            input={"question": "why?"},
            answer="Because.",
            usage=Usage(input=7, output=2),
            cost_nanodollars=NanoDollars(1_250),
        )
        return msgspec.structs.replace(trace, **fields)

    return make
