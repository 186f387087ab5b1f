"""Spans: nested, timed, bounded, and closed on every way out."""

import pytest

from buttress.kernel.errors import ButtressError
from buttress.kernel.spans import MAX_SPANS, Recorder
from buttress.testing.clock import ManualClock


class Broken(ButtressError):
    """An error of these tests."""

    code = "test.broken"
    hint = "Nothing to do."


def test_spans_are_timed_and_know_their_depth() -> None:
    clock = ManualClock()
    recorder = Recorder(clock)
    with recorder.span("outer", model="quotes"):
        clock.advance(0.25)
        with recorder.span("inner"):
            clock.advance(0.5)
    outer, inner = recorder.spans
    assert (outer.name, outer.depth, outer.start_ms, outer.duration_ms) == ("outer", 0, 0, 750)
    assert (inner.name, inner.depth, inner.start_ms, inner.duration_ms) == ("inner", 1, 250, 500)
    assert outer.data == {"model": "quotes"}


def test_an_error_is_noted_by_its_code_and_goes_on() -> None:
    recorder = Recorder(ManualClock())
    with pytest.raises(Broken), recorder.span("step"):
        raise Broken("broken")
    with pytest.raises(KeyError), recorder.span("other"):
        raise KeyError("x")
    assert [span.error for span in recorder.spans] == ["test.broken", "KeyError"]
    assert all(span.duration_ms is not None for span in recorder.spans)


def test_a_call_of_too_many_steps_keeps_the_first_and_counts_the_rest() -> None:
    recorder = Recorder(ManualClock())
    for _ in range(MAX_SPANS + 7):
        with recorder.span("step"):
            pass
    assert (len(recorder.spans), recorder.left_out) == (MAX_SPANS, 7)
