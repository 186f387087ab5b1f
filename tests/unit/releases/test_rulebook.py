"""The rulebook: rules in order, the first answer wins, failures are said."""

from pathlib import Path

import pytest

from buttress.releases.errors import RuleUnloadable
from buttress.releases.rulebook import RuleAnswer, Ruling, Skipped, open_rulebook
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import (
    FallbackText,
    FunctionRule,
    RegexRule,
    Release,
    RulesStage,
    TableRule,
    file_sha256,
)

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


def release_with(*stages: RulesStage) -> Release:
    """Return a release with these stages only."""
    return Release(
        feature="support", description="", input_schema={}, stages=stages, fallback=FallbackText("No.")
    )


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
    tmp_path: Path, question: str, answer: RuleAnswer | None
) -> None:
    (tmp_path / "rules.py").write_bytes(SOURCE)
    rulebook = await open_rulebook(release_with(STAGE), tmp_path, ReleaseSettings(function_deadline_s=10))
    ruling = await rulebook.ask(STAGE, question, {"question": question})
    assert ruling == Ruling(answer, (BROKEN,))


async def test_a_release_without_functions_needs_no_folder(tmp_path: Path) -> None:
    stage = RulesStage(name="known", rules=STAGE.rules[1:2])
    rulebook = await open_rulebook(release_with(stage), tmp_path / "nowhere", ReleaseSettings())
    assert await rulebook.ask(stage, "hello", {}) == Ruling(RuleAnswer("Hi.", "faq.csv"))


async def test_a_function_that_changed_since_keeps_the_rulebook_shut(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_bytes(SOURCE + b"# changed\n")
    with pytest.raises(RuleUnloadable):
        await open_rulebook(release_with(STAGE), tmp_path, ReleaseSettings())
