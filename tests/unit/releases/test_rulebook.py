"""The rulebook: rules in order, the first answer wins, failures are said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from buttress.releases.pool import FunctionPool
from buttress.releases.rulebook import RuleAnswer, Rulebook, Ruling, Skipped
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import FunctionRule, RegexRule, RulesStage, TableRule, file_sha256

SOURCE = b"""
def shipping(values):
    return "5 EUR" if "shipping" in values["question"] else None

def broken(values):
    return 1 / 0
"""
SHA256 = file_sha256(SOURCE)

STAGE = RulesStage(
    name="known",
    rules=(
        FunctionRule("rules.py", "broken", SHA256),
        TableRule("faq.csv", {"hello": "Hi."}),
        FunctionRule("rules.py", "shipping", SHA256),
        RegexRule("ship", "Ahoy."),
    ),
)
BROKEN = Skipped("rules.py:broken", "ZeroDivisionError: division by zero")


@pytest.fixture
async def pool() -> AsyncIterator[FunctionPool]:
    """Processes that are given time."""
    pool = FunctionPool(ReleaseSettings(function_deadline_s=50, load_deadline_s=50))
    yield pool
    await pool.aclose()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param("Hello!", RuleAnswer("Hi.", "faq.csv"), id="a table"),
        pytest.param("shipping?", RuleAnswer("5 EUR", "rules.py:shipping"), id="the earlier of two"),
        pytest.param("a ship", RuleAnswer("Ahoy.", "/ship/"), id="a pattern"),
        pytest.param("why?", None, id="none of them"),
    ],
)
async def test_the_first_rule_that_has_an_answer_gives_it(
    tmp_path: Path, pool: FunctionPool, question: str, answer: RuleAnswer | None
) -> None:
    (tmp_path / "rules.py").write_bytes(SOURCE)
    ruling = await Rulebook(tmp_path, pool).ask(STAGE, question, {"question": question})
    assert ruling == Ruling(answer, (BROKEN,))


async def test_a_stage_without_functions_needs_no_folder(tmp_path: Path, pool: FunctionPool) -> None:
    stage = RulesStage(name="known", rules=STAGE.rules[1:2])
    rulebook = Rulebook(tmp_path / "nowhere", pool)
    assert await rulebook.ask(stage, "hello", {}) == Ruling(RuleAnswer("Hi.", "faq.csv"))


async def test_a_function_that_changed_since_keeps_no_other_rule_from_answering(
    tmp_path: Path, pool: FunctionPool
) -> None:
    (tmp_path / "rules.py").write_bytes(SOURCE + b"# changed\n")
    ruling = await Rulebook(tmp_path, pool).ask(STAGE, "hello", {"question": "hello"})
    reason = "its file does not load: it is not the file that the release was compiled from"
    assert ruling == Ruling(RuleAnswer("Hi.", "faq.csv"), (Skipped("rules.py:broken", reason),))
