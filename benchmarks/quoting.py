"""What is quoted without a language model: the cases of the support example, each asked as a user would."""

import json
import shutil
import tempfile
from pathlib import Path

import msgspec

from buttress import Buttress
from buttress.gateway.types import Answer

QUOTES_ALONE = "models: {quotes: {provider: extractive}}\nladders: {answers: [quotes]}\n"


class Quoted(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions of a set were asked, and what became of them; the rest fell back.

    `right`: an expected answer stands in the quotes. `wrong`: others were quoted.
    """

    asked: int
    right: int
    wrong: int

    @property
    def fell_back(self) -> int:
        """How many were answered by the fallback."""
        return self.asked - self.right - self.wrong

    def __add__(self, other: "Quoted") -> "Quoted":
        """Return both sets as one."""
        return Quoted(
            asked=self.asked + other.asked, right=self.right + other.right, wrong=self.wrong + other.wrong
        )


class Figures(msgspec.Struct, frozen=True):
    """The figures of the questions that the documents answer, and of those they do not.

    Every second case of the file, from the second on, was not looked at while the rule was tuned:
    `held_out` is of those of them that have no answer.
    """

    answerable: Quoted
    unanswerable: Quoted
    held_out: Quoted


async def measure_quoting(example: Path) -> Figures:
    """Measure on a copy of the project in `example`, with its `cases.jsonl`, without its language model."""
    cases = [json.loads(line) for line in (example / "cases.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as made:
        project = Path(made) / "project"
        shutil.copytree(example, project, ignore=shutil.ignore_patterns(".buttress", "__pycache__"))
        (project / "models.yaml").write_text(QUOTES_ALONE)
        async with Buttress.open(project) as buttress:
            await buttress.ingest()
            told = [await _asked(buttress, case["question"], case["answers"]) for case in cases]
    none = Quoted(asked=0, right=0, wrong=0)
    pairs = list(zip(cases, told, strict=True))
    return Figures(
        answerable=sum((one for case, one in pairs if case["answers"]), start=none),
        unanswerable=sum((one for case, one in pairs if not case["answers"]), start=none),
        held_out=sum((one for case, one in pairs[1::2] if not case["answers"]), start=none),
    )


async def _asked(buttress: Buttress, question: str, expected: list[str]) -> Quoted:
    return outcome_of(await buttress.ask("support", {"question": question}, user="bench"), expected)


def outcome_of(answer: Answer, expected: list[str]) -> Quoted:
    """Return what became of one question, whose right answers hold one of `expected`."""
    text = " ".join(answer.text.split())
    is_quoted = answer.outcome == "answered"
    is_right = is_quoted and any(one in text for one in expected)
    return Quoted(asked=1, right=int(is_right), wrong=int(is_quoted and not is_right))
