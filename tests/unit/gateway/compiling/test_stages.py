"""Stages: each compiled by itself; the order they can run in."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.around import Around, Compiled
from buttress.gateway.compiling.stages import compile_stages, order_mistakes
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.located import Located, parse_yaml
from buttress.releases.types import RetrieveStage, Thresholds

CATALOGUE = Catalogue({"quotes": Model(name="quotes", provider="extractive")}, {})
RULES = "{name: NAME, kind: rules, rules: [{regex: hi, answer: Hi.}]}"
EVERYTHING = "{name: NAME, kind: rules, rules: [{regex: .*, answer: Hi.}]}"
RETRIEVE = "{name: NAME, kind: retrieve, knowledge: handbook}"
GENERATE = "{name: NAME, kind: generate, ladder: quotes}"


def around(text: str) -> Around:
    """Return what the stages of `text` stand in."""
    located = parse_yaml(text, Path("feature.yaml"))
    assert isinstance(located, Located)
    return Around(
        located=located, files={}, knowledge={"handbook"}, catalogue=CATALOGUE, variables=("question",)
    )


@pytest.mark.parametrize(
    ("stages", "wrong"),
    [
        pytest.param([RULES], [], id="rules only"),
        pytest.param([RETRIEVE], [], id="retrieve only: the fallback quotes"),
        pytest.param([RULES, RULES, RETRIEVE, GENERATE], [], id="all of them"),
        pytest.param([GENERATE, RULES], [1], id="rules behind generate"),
        pytest.param([GENERATE, RETRIEVE, GENERATE], [1, 2], id="all behind generate"),
        pytest.param([RETRIEVE, RETRIEVE, GENERATE], [1], id="two retrieve"),
        pytest.param([RETRIEVE, RULES], [1], id="rules behind retrieve"),
        pytest.param([RULES, EVERYTHING, RETRIEVE, GENERATE], [2, 3], id="behind a rule for everything"),
        pytest.param(["5", "{}", RULES], [], id="what is no stage has mistakes of its own"),
    ],
)
def test_the_order_of_stages(stages: list[str], wrong: list[int]) -> None:
    lines = [f"- {stage.replace('NAME', f'n{index}')}" for index, stage in enumerate(stages)]
    given = around("stages:\n" + "\n".join(lines))
    mistakes = list(order_mistakes(given.located, compile_stages(given)))
    assert [(one.where.line or 0) - 2 for one in mistakes] == wrong


def test_a_name_is_used_once() -> None:
    given = around(f"stages:\n- {RULES}\n- {RETRIEVE}\n- {GENERATE}")
    assert [one.where.line for one in order_mistakes(given.located, compile_stages(given))] == [3, 4]


def test_how_relevant_a_passage_must_be_may_be_said() -> None:
    relevance = "{cosine: 0.4, cosine_with_words: 0.3, coverage: 1}"
    text = f"stages: [{{name: a, kind: retrieve, knowledge: handbook, relevance: {relevance}}}]"
    result = compile_stages(around(text))[0]
    assert isinstance(result, Compiled)
    assert isinstance(result.stage, RetrieveStage)
    assert result.stage.thresholds == Thresholds(cosine=0.4, cosine_with_words=0.3, coverage=1)


def test_the_default_prompt_needs_passages_and_a_question() -> None:
    result = compile_stages(around(f"stages: [{GENERATE}]"))[0]
    assert isinstance(result, list)
    assert "the default prompt does not fit" in result[0].message
