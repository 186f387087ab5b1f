"""The ladders of models.yaml: what they say, and every mistake with its line."""

from pathlib import Path

import pytest

from buttress.kernel.catalogue import Ladder, Step, plain_ladder
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, parse_yaml
from buttress.models.ladders import read_ladder

MODELS = ("small", "east", "west", "quotes")


def read(ladder: str) -> Ladder | list[Mistake]:
    located = parse_yaml(f"ladders:\n  answers: {ladder}\n", Path("models.yaml"))
    assert isinstance(located, Located)
    return read_ladder(located, "answers", MODELS)


@pytest.mark.parametrize(
    ("written", "ladder"),
    [
        pytest.param("[small, quotes]", plain_ladder("small", "quotes"), id="one model on each rung"),
        pytest.param(
            "[[east, west], quotes]", Ladder((Step(("east", "west")), Step(("quotes",)))), id="the quickest"
        ),
        pytest.param(
            "[{east: 3, west: 0.5}, quotes]",
            Ladder((Step(("east", "west"), (3.0, 0.5)), Step(("quotes",)))),
            id="by weight",
        ),
        pytest.param(
            "{rungs: [small, quotes], hedge_after_ms: 400}",
            Ladder((Step(("small",)), Step(("quotes",))), 400),
            id="hedged",
        ),
        pytest.param("{rungs: [small]}", plain_ladder("small"), id="a mapping that says no more"),
    ],
)
def test_what_a_ladder_says(written: str, ladder: Ladder) -> None:
    assert read(written) == ladder


@pytest.mark.parametrize(
    ("written", "line", "part"),
    [
        pytest.param("[[east, wst]]", 2, "Did you mean `west`?", id="an unknown model of several"),
        pytest.param(
            "\n    - {east: 1,\n       wst: 2}", 4, "Did you mean `west`?", id="of several by weight"
        ),
        pytest.param(
            "\n    - small\n    - [east, small]", 4, "`small` stands on it twice", id="on two rungs"
        ),
        pytest.param("[{east: 0}]", 2, "more than 0", id="a weight of zero"),
        pytest.param("[{east: -1}]", 2, "more than 0", id="a weight below zero"),
        pytest.param("[{east: much}]", 2, "expected a number", id="a weight that is a text"),
        pytest.param("[[]]", 2, "a rung without a model", id="an empty rung"),
        pytest.param("[{}]", 2, "a rung without a model", id="no weights"),
        pytest.param("[[east, 5]]", 2, "expected a text", id="a number among several"),
        pytest.param("[[[east]]]", 2, "expected a text", id="a rung in a rung"),
        pytest.param("{rungs: []}", 2, "no model", id="a mapping without rungs"),
        pytest.param("{hedge_after_ms: 400}", 2, "`rungs` is missing", id="rungs forgotten"),
        pytest.param(
            "{rungs: [small], hedge_after: 4}", 2, "Did you mean `hedge_after_ms`?", id="unknown key"
        ),
        pytest.param("{rungs: [small], hedge_after_ms: 0}", 2, "at least 1", id="at once"),
        pytest.param("{rungs: [small], cache: {ttl: 4}}", 2, "Did you mean `ttl_s`?", id="of its cache"),
        pytest.param("small", 2, "expected a list", id="a text"),
        pytest.param("[null]", 2, "expected a text", id="nothing"),
    ],
)
def test_each_mistake_has_its_line(written: str, line: int, part: str) -> None:
    mistakes = read(written)
    assert isinstance(mistakes, list)
    assert [part in str(one) for one in mistakes] == [True], mistakes
    assert mistakes[0].where.line == line
