"""Rules: the first that has an answer gives it; one that cannot say is passed over, and noted."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from buttress.gateway.steps.rules import rules
from buttress.gateway.types import Reply, Ruled
from buttress.kernel.spans import Span
from buttress.knowledge.engine.client import RemoteEngine
from buttress.releases.types import FunctionRule, RegexRule, Rule, RulesStage, TableRule, file_sha256
from tests.unit.gateway.world import WHO, World, a_call, a_release, inspected

PYTHON = b"""
import threading

def shipping(values):
    return "5 dollars" if "shipping" in values["question"] else None

def slow(values):
    threading.Event().wait(5)

def breaks(values):
    raise KeyError("oh\\nno")

def number(values):
    return 7

def changes(values):
    values["question"] = "who are you"
"""

Ask = Callable[..., Awaitable[tuple[Ruled | Reply, Span]]]


@pytest.fixture
def ask(world: World, tmp_path: Path, away: RemoteEngine) -> Ask:
    """Put a question to a stage of rules; nothing else is there. Returns the result and the span."""
    (tmp_path / "rules.py").write_bytes(PYTHON)

    async def run(
        question: object, *given: Rule, match: str = "{{ question }}"
    ) -> tuple[Ruled | Reply, Span]:
        stage = RulesStage(name="known", rules=given, match=match)
        call = a_call(msgspec.structs.replace(world.ports, engine=away))
        result = await rules(inspected(a_release(stages=(stage,)), {"question": question}), call)
        return result, call.recorder.spans[-1]

    return run


def function(name: str, sha256: str = file_sha256(PYTHON)) -> FunctionRule:
    """Return the rule that asks a function of rules.py."""
    return FunctionRule("rules.py", name, sha256)


@pytest.mark.parametrize(
    ("question", "rule", "text"),
    [
        pytest.param("  WHO are you?! ", WHO.rules[0], "I answer from documents.", id="a table"),
        pytest.param(
            "order 4711, please",
            RegexRule(r"order (?P<number>\d+)", "Order {{ number }} is on its way."),
            "Order 4711 is on its way.",
            id="a pattern",
        ),
        pytest.param("what is shipping", function("shipping"), "5 dollars", id="a function"),
    ],
)
async def test_a_rule_answers(ask: Ask, question: str, rule: Rule, text: str) -> None:
    result, span = await ask(question, rule)
    assert isinstance(result, Reply)
    assert [one.text for one in result.sentences] == [text]
    assert (result.outcome, result.reason) == ("answered", "")
    assert span.data["answered_by"]


@pytest.mark.parametrize("name", ["slow", "breaks", "number"])
async def test_a_function_that_fails_is_passed_over(ask: Ask, name: str) -> None:
    result, span = await ask("who are you", function(name), WHO.rules[0])
    assert isinstance(result, Reply)
    assert f"skipped rules.py:{name}" in span.data
    assert "\n" not in str(span.data)


async def test_no_rule_has_an_answer(ask: Ask) -> None:
    result, span = await ask("Why?", WHO.rules[0], function("shipping"))
    assert isinstance(result, Ruled)
    assert span.data == {}


async def test_the_first_rule_counts(ask: Ask) -> None:
    result, _ = await ask("hi", TableRule("a.csv", {"hi": "first"}), TableRule("b.csv", {"hi": "second"}))
    assert isinstance(result, Reply)
    assert result.sentences[0].text == "first"


async def test_a_function_cannot_change_what_others_see(ask: Ask) -> None:
    result, _ = await ask("Why?", function("changes"), WHO.rules[0])
    assert isinstance(result, Ruled)
    assert result.inspected.input == {"question": "Why?"}


async def test_a_changed_file_keeps_no_other_rule_from_answering(ask: Ask) -> None:
    result, span = await ask("who are you", function("shipping", "0" * 64), WHO.rules[0])
    assert isinstance(result, Reply)
    assert "not the file" in str(span.data["skipped rules.py:shipping"])


async def test_a_template_that_cannot_be_filled_in_ends_no_call(ask: Ask) -> None:
    result, span = await ask("who are you", WHO.rules[0], match="{{ missing }}")
    assert isinstance(result, Ruled)
    assert span.data["reason"] == "prompts.unrenderable"


async def test_a_release_without_rules_has_no_such_step(world: World) -> None:
    call = a_call(world.ports)
    assert isinstance(await rules(inspected(a_release(stages=()), {}), call), Ruled)
    assert call.recorder.spans == []
