"""What is right of a fault, for who asked and in the books. Pure.

Right for who asked: the whole answer where it can still be had, else an error that every client sees; never
an answer that looks whole and is not. Right in the books: what the upstream worked is there, with its cost.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

LATE_S = 20.0
"""An answer or an error that takes longer was not seen to, only waited for."""

CANCELLED_S = 1.0
"""An upstream that works on for longer after its client has gone was not cancelled."""

INPUT_PRICE, OUTPUT_PRICE = 1_000, 2_000
"""Nano-dollars a token, as `contestants` writes them into the models file."""

Verdict = Literal["right", "late", "wrong", "no record"]
Wanted = Literal["whole", "error", "cancelled"]
End = Literal["ended", "cut", "left", "silent"]
"""How a connection ended: as HTTP wants it, broken off, left by us, or not at all in our time."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What came to who asked. `cancelled_s`: how long after we left the upstream was left, None for never."""

    status: int
    body: bytes
    end: End
    seconds: float
    cancelled_s: float | None = None


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and in a few words what it is about."""

    verdict: Verdict
    seen: str


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    error: object = None


class _Stream(msgspec.Struct, kw_only=True):
    """A body, read as a patient client reads it."""

    text: str = ""
    errors: int = 0
    unreadable: int = 0
    is_done: bool = False

    def read(self, data: bytes) -> None:
        """Take one event."""
        if data == b"[DONE]":
            self.is_done = True
            return
        try:
            event = msgspec.json.decode(data, type=_Event)
        except msgspec.MsgspecError:
            self.unreadable += 1
            return
        self.errors += event.error is not None
        for choice in event.choices:
            said = choice.delta or choice.message
            self.text += (said.content if said else "") or ""


def _events(body: bytes) -> Iterator[bytes]:
    if body.lstrip().startswith(b"{"):
        yield body
    for line in body.splitlines():
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def words_of(heard: Heard) -> int:
    """Return how many words came."""
    return len(_read(heard).text.split())


def _read(heard: Heard) -> _Stream:
    stream = _Stream()
    for data in _events(heard.body):
        stream.read(data)
    return stream


def judge(wanted: Wanted, heard: Heard, expected: str) -> Judged:
    """Judge what came to who asked, where the whole answer is `expected`."""
    if wanted == "cancelled":
        return _judge_cancelled(heard)
    seen, is_whole, is_error = _seen(heard, expected)
    is_right = is_whole if wanted == "whole" else is_error
    if heard.end == "silent":
        return Judged("wrong", f"{seen}, then {heard.seconds:.0f} s of silence")
    if heard.seconds > LATE_S and (is_whole or is_right):
        return Judged("late", f"{seen} after {heard.seconds:.0f} s")
    return Judged("right" if is_right else "wrong", seen)


def _judge_cancelled(heard: Heard) -> Judged:
    if heard.end != "left":
        return Judged("wrong", f"HTTP {heard.status}, ended before we left")
    if heard.cancelled_s is None or heard.cancelled_s > CANCELLED_S:
        return Judged("wrong", "upstream works on")
    return Judged("right", f"upstream left within {heard.cancelled_s * 1000:.0f} ms")


def _seen(heard: Heard, expected: str) -> tuple[str, bool, bool]:
    """Return what came in a few words, whether it is the whole answer, and whether a client sees an error."""
    if heard.status != 200:
        return f"HTTP {heard.status}", False, heard.status >= 400
    stream = _read(heard)
    words = f"{len(stream.text.split())} words"
    is_whole = stream.text == expected and not (stream.errors or stream.unreadable)
    if stream.errors:
        return f"{words}, error event{' and [DONE]' if stream.is_done else ''}", False, not stream.is_done
    if stream.unreadable:
        return f"{words}, unreadable event passed on{' and [DONE]' if stream.is_done else ''}", False, False
    if heard.end == "cut":
        return f"{words}, connection broken off", False, not stream.is_done
    if is_whole and heard.end == "ended":
        return "whole", True, False
    return f"{words}, good end" if stream.is_done else f"{words}, then just the end", False, False


class Used(msgspec.Struct, frozen=True):
    """Tokens, as a trace has them."""

    input: int = 0
    output: int = 0


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt, as a trace has it."""

    outcome: str
    usage: Used | None
    cost: int | None
    is_estimated: bool = False


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A trace, as `buttress trace list --json` prints it."""

    feature: str
    outcome: str
    attempts: Sequence[Tried] = ()
    usage: Used = Used()
    cost_nanodollars: int | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be in the books: how the call ended, how its attempts did, and its tokens.

    `output` are the words that came; an estimate may be half of it or twice.
    """

    outcome: str
    attempts: Sequence[str]
    input: int
    output: int
    is_estimated: bool


def judge_record(due: Due, record: Record | None) -> Judged:
    """Judge what was recorded of a call."""
    if record is None:
        return Judged("no record", "no record")
    tried = "+".join(attempt.outcome for attempt in record.attempts)
    is_estimated = any(attempt.is_estimated for attempt in record.attempts)
    used = record.usage
    cost = "unknown" if record.cost_nanodollars is None else f"${record.cost_nanodollars / 1e9:.6f}"
    mark = "~" if is_estimated else ""
    seen = f"{record.outcome} ({tried}), {mark}{used.input} + {mark}{used.output} tokens, {cost}"
    is_right = (
        record.outcome == due.outcome
        and tried == "+".join(due.attempts)
        and is_estimated == due.is_estimated
        and _is_near(used, due)
        and record.cost_nanodollars == used.input * INPUT_PRICE + used.output * OUTPUT_PRICE
    )
    return Judged("right" if is_right else "wrong", seen)


def _is_near(used: Used, due: Due) -> bool:
    if not due.is_estimated:
        return used == Used(due.input, due.output)
    pairs = ((used.input, due.input), (used.output, due.output))
    return all(wanted / 2 <= got <= wanted * 2 for got, wanted in pairs)
