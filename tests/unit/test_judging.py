"""What is right of a fault, for the benchmark of faults."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


def load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "dataplane" / "judging.py"
    spec = importlib.util.spec_from_file_location("judging", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judging = load()
EXPECTED = " w000 w001 w002"
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error": {"message": "cut", "code": null}}\n\n'
END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: {"choices": [], "usage": {}}\n\n'


def words(*texts: str) -> bytes:
    return b"".join(
        b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"
        for text in texts
    )


ALL = words(" w000", " w001", " w002")
SOME = words(" w000", " w001")
WHOLE = json.dumps({"choices": [{"message": {"content": EXPECTED}}], "error": None}).encode()


@pytest.mark.parametrize(
    ("wanted", "body", "end", "verdict", "seen"),
    [
        pytest.param("whole", ALL + END + DONE, "ended", "right", "whole", id="a whole stream"),
        pytest.param("whole", WHOLE, "ended", "right", "whole", id="a whole answer"),
        pytest.param("whole", WHOLE.replace(b"w001 ", b""), "ended", "wrong", "2 words", id="a lost word"),
        pytest.param("whole", words(" w001", " w000", " w002") + DONE, "ended", "wrong", "3", id="order"),
        pytest.param("whole", SOME + ERROR, "ended", "wrong", "error event", id="an error in its place"),
        pytest.param("error", SOME + ERROR, "ended", "right", "2 words, error event", id="an error event"),
        pytest.param(
            "error", SOME + ERROR + DONE, "ended", "wrong", "and [DONE]", id="error, yet a good end"
        ),
        pytest.param("error", SOME, "cut", "right", "broken off", id="broken off, as all clients notice"),
        pytest.param("error", SOME, "ended", "wrong", "just the end", id="stops as if it were whole"),
        pytest.param("error", SOME + END + DONE, "ended", "wrong", "good end", id="a false good end"),
        pytest.param("error", ALL + END + DONE, "ended", "wrong", "whole", id="whole where none can be"),
        pytest.param("error", SOME + b"data: {\n\n" + DONE, "ended", "wrong", "unreadable", id="passed on"),
        pytest.param("error", SOME, "silent", "wrong", "silence", id="nothing more in our time"),
        pytest.param("cancelled", SOME, "left", "wrong", "works on", id="nobody told the upstream"),
        pytest.param("cancelled", ALL + DONE, "ended", "wrong", "before we left", id="over too soon"),
    ],
)
def test_what_its_client_gets(wanted: str, body: bytes, end: str, verdict: str, seen: str) -> None:
    heard = judging.Heard(status=200, body=body, end=end, seconds=1.0)

    judged = judging.judge(wanted, heard, EXPECTED)

    assert judged.verdict == verdict
    assert seen in judged.seen


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        pytest.param("error", "right", id="is one where there can be no answer"),
        pytest.param("whole", "wrong", id="is none where a second try would answer"),
    ],
)
def test_an_error_status(wanted: str, verdict: str) -> None:
    heard = judging.Heard(status=502, body=b'{"error": {}}', end="ended", seconds=1.0)

    assert judging.judge(wanted, heard, EXPECTED) == judging.Judged(verdict, "HTTP 502")


@pytest.mark.parametrize(
    ("wanted", "body"),
    [
        pytest.param("error", ALL + END + DONE, id="a whole answer after a stall"),
        pytest.param("error", SOME + ERROR, id="an error after a stall"),
        pytest.param("whole", ALL + END + DONE, id="a whole answer after its retry"),
    ],
)
def test_half_a_minute_is_late(wanted: str, body: bytes) -> None:
    heard = judging.Heard(status=200, body=body, end="ended", seconds=30.0)

    assert judging.judge(wanted, heard, EXPECTED).verdict == "late"


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        pytest.param(0.02, "right", id="left at once"),
        pytest.param(1.5, "wrong", id="left too late"),
    ],
)
def test_an_upstream_whose_client_has_gone(seconds: float, verdict: str) -> None:
    heard = judging.Heard(status=200, body=SOME, end="left", seconds=1.0, cancelled_s=seconds)

    assert judging.judge("cancelled", heard, EXPECTED).verdict == verdict


def tried(outcome: str, *, is_estimated: bool = False) -> object:
    return judging.Tried(outcome=outcome, usage=None, cost=None, is_estimated=is_estimated)


CUT = judging.Due(outcome="failed", attempts=("cut",), input=9, output=40, is_estimated=True)
RETRIED = judging.Due(
    outcome="answered", attempts=("failed", "answered"), input=9, output=60, is_estimated=False
)


@pytest.mark.parametrize(
    ("due", "outcome", "attempts", "used", "cost", "verdict"),
    [
        pytest.param(CUT, "failed", "cut~", (12, 50), 112_000, "right", id="a near estimate"),
        pytest.param(CUT, "failed", "cut~", (12, 90), 192_000, "wrong", id="an estimate far too high"),
        pytest.param(CUT, "failed", "cut~", (12, 10), 32_000, "wrong", id="an estimate far too low"),
        pytest.param(CUT, "failed", "cut", (9, 40), 89_000, "wrong", id="an estimate called a figure"),
        pytest.param(CUT, "failed", "cut~", (12, 50), None, "wrong", id="no cost"),
        pytest.param(CUT, "failed", "cut~", (12, 50), 0, "wrong", id="nothing paid"),
        pytest.param(CUT, "answered", "cut~", (12, 50), 112_000, "wrong", id="a cut answer called one"),
        pytest.param(CUT, "lost", "", (0, 0), None, "wrong", id="still under way"),
        pytest.param(RETRIED, "answered", "failed answered", (9, 60), 129_000, "right", id="a second try"),
        pytest.param(RETRIED, "answered", "answered", (9, 60), 129_000, "wrong", id="a first try left out"),
        pytest.param(RETRIED, "answered", "failed answered", (18, 120), 258_000, "wrong", id="paid twice"),
    ],
)
def test_what_is_in_its_books(
    due: object, outcome: str, attempts: str, used: tuple[int, int], cost: int | None, verdict: str
) -> None:
    tries = [tried(one.removesuffix("~"), is_estimated=one.endswith("~")) for one in attempts.split()]
    record = judging.Record(
        feature="fault",
        outcome=outcome,
        attempts=tries,
        usage=judging.Used(*used),
        cost_nanodollars=cost,
    )

    assert judging.judge_record(due, record).verdict == verdict


def test_no_books_are_no_verdict() -> None:
    assert judging.judge_record(CUT, None).verdict == "no record"
