"""All rules of a release, in order: the first that has an answer gives it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from buttress.releases.frames import Failed
from buttress.releases.functions import Functions
from buttress.releases.pool import FunctionPool
from buttress.releases.rules import answer_of_regex, answer_of_table
from buttress.releases.types import FunctionRule, RegexRule, Rule, RulesStage, TableRule


class RuleAnswer(msgspec.Struct, frozen=True):
    """An answer that needed no model, and the rule that gave it (`faq.csv`, `rules.py:shipping_cost`)."""

    text: str
    rule: str


class Skipped(msgspec.Struct, frozen=True):
    """A rule that could not say whether it has an answer."""

    rule: str
    reason: str


class Ruling(msgspec.Struct, frozen=True):
    """What the rules of a stage came to: an answer or None, and the rules that failed on the way."""

    answer: RuleAnswer | None
    skipped: tuple[Skipped, ...] = ()


class Rulebook:
    """The rules of one release; `folder` is the feature's, which holds the Python files.

    Calls may ask it at once. Nothing is read or loaded before a function is first asked.
    """

    def __init__(self, folder: Path, pool: FunctionPool) -> None:
        self._functions = Functions(folder, pool)

    async def ask(self, stage: RulesStage, text: str, values: Mapping[str, object]) -> Ruling:
        """Return the answer of the first rule of `stage` that has one.

        `text` is the stage's `match`, rendered; `values` is the input. A rule that fails is passed over.
        """
        skipped: list[Skipped] = []
        for rule in stage.rules:
            answer = await self._answer(rule, text, values)
            if isinstance(answer, Failed):
                skipped.append(Skipped(rule_name(rule), answer.reason))
            elif answer is not None:
                return Ruling(RuleAnswer(answer, rule_name(rule)), tuple(skipped))
        return Ruling(None, tuple(skipped))

    async def _answer(self, rule: Rule, text: str, values: Mapping[str, object]) -> str | Failed | None:
        match rule:
            case TableRule():
                return answer_of_table(rule, text)
            case RegexRule():
                return answer_of_regex(rule, text)
            case FunctionRule():
                return await self._functions.ask(rule, values)


def rule_name(rule: Rule) -> str:
    """Return what a rule is called in traces: its file and function, or its pattern."""
    match rule:
        case TableRule():
            return rule.file
        case RegexRule():
            return f"/{rule.pattern[:80]}/"
        case FunctionRule():
            return f"{rule.file}:{rule.function}"
