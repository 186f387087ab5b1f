"""All rules of a release, in order: the first that has an answer gives it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from buttress.releases.functions import Failed, RuleFunction, Threads, call_function, load_function
from buttress.releases.rules import answer_of_regex, answer_of_table
from buttress.releases.settings import ReleaseSettings
from buttress.releases.types import FunctionRule, RegexRule, Release, Rule, RulesStage, TableRule


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
    """The rules of one release, ready to be asked; calls may ask it at once."""

    def __init__(
        self, functions: Mapping[tuple[str, str], RuleFunction], threads: Threads, deadline_s: float
    ) -> None:
        self._functions = functions
        self._threads = threads
        self._deadline_s = deadline_s

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
                function = self._functions[rule.file, rule.function]
                return await call_function(function, values, self._threads, self._deadline_s)


async def open_rulebook(release: Release, folder: Path, settings: ReleaseSettings) -> Rulebook:
    """Load the rules of `release`; `folder` is the feature's folder, which holds the Python files.

    Raises:
        RuleUnloadable: a function's file is not the one that was compiled, or does not load.
    """
    threads = Threads(settings.running_functions)
    functions = {
        (rule.file, rule.function): await load_function(folder, rule, threads, settings)
        for stage in release.stages
        if isinstance(stage, RulesStage)
        for rule in stage.rules
        if isinstance(rule, FunctionRule)
    }
    return Rulebook(functions, threads, settings.function_deadline_s)


def rule_name(rule: Rule) -> str:
    """Return what a rule is called in traces: its file and function, or its pattern."""
    match rule:
        case TableRule():
            return rule.file
        case RegexRule():
            return f"/{rule.pattern[:80]}/"
        case FunctionRule():
            return f"{rule.file}:{rule.function}"
