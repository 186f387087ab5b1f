"""What the packaged local model adds to quotes, and what it costs: the cases of the example, each asked."""

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from itertools import takewhile
from pathlib import Path

import msgspec
from quoting import Quoted, outcome_of

from buttress import Buttress
from buttress.gateway.types import Asked, Ended, Event, Held, Stepped, Text

PATIENT = (
    "knowledge.engine.stage_timeout_s=30",
    "knowledge.engine.call_timeout_s=60",
    "models.quotes.rank_timeout_s=30",
    "models.first_token_timeout_s=120",
)
"""Nothing is skipped for being late: what is right is measured here, and the time it takes is."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what became of it, seconds to the first words, sentences of the model that left or not.

    `is_asked`: it came to the model; quotes have an answer, then.
    """

    question: str
    text: str
    outcome: Quoted
    first_s: float
    is_asked: bool
    released: int
    withheld: int


class LocalFigures(msgspec.Struct, frozen=True):
    """The questions that the documents answer, and those that they do not."""

    answerable: Sequence[Told]
    unanswerable: Sequence[Told]

    @property
    def asked(self) -> Sequence[Told]:
        """The questions that came to the model."""
        return [one for one in (*self.answerable, *self.unanswerable) if one.is_asked]


def total(told: Sequence[Told]) -> Quoted:
    """Return what became of the questions."""
    return sum((one.outcome for one in told), start=Quoted(asked=0, right=0, wrong=0))


async def measure_local_answers(example: Path, *, every: int = 1) -> LocalFigures:
    """Measure on a copy of the project in `example`: with `every` 2, every second of its cases."""
    cases = [json.loads(line) for line in (example / "cases.jsonl").read_text("utf-8").splitlines()][::every]
    with tempfile.TemporaryDirectory() as made:
        project = Path(made) / "project"
        shutil.copytree(example, project, ignore=shutil.ignore_patterns(".buttress", "__pycache__"))
        async with Buttress.open(project, flags=PATIENT) as buttress:
            buttress.begin_local_model()
            await buttress.ingest()
            told = [await _told(buttress, case["question"], case["answers"]) for case in cases]
    pairs = list(zip(cases, told, strict=True))
    return LocalFigures(
        [one for case, one in pairs if case["answers"]], [one for case, one in pairs if not case["answers"]]
    )


async def _told(buttress: Buttress, question: str, expected: list[str]) -> Told:
    asked = Asked(feature="support", input={"question": question}, user="bench", watched=True)
    started, times, events = time.perf_counter(), list[float](), list[Event]()
    async with aclosing(buttress.watch(asked)) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, Text):
                times.append(time.perf_counter() - started)
    (answer,) = [one.answer for one in events if isinstance(one, Ended)]
    is_asked = any(isinstance(one, Stepped) and one.span.name == "send" for one in events)
    return Told(
        question=question,
        text=answer.text,
        outcome=outcome_of(answer, expected),
        first_s=times[0],
        is_asked=is_asked and answer.outcome == "answered" and not answer.failed,
        released=len([one for one in takewhile(_is_of_ladder, events) if isinstance(one, Text)]),
        withheld=len([one for one in events if isinstance(one, Held)]),
    )


def _is_of_ladder(event: Event) -> bool:
    """Say whether `event` came before the ladder's answer had been checked: later sentences are quotes."""
    return not (isinstance(event, Stepped) and event.span.name == "check")
