"""`buttress budget` and `buttress spend`: what is left, and where it went."""

import asyncio
import json
from pathlib import Path

import pytest

from buttress.cli.spend import bar
from buttress.testing.upstream import ScriptedUpstream
from tests.projects import ANSWERABLE, put_on_ladder
from tests.unit.cli.conftest import Run

BUDGETS = """
budgets:
  each: {limit: 1 USD, window: day, per: [user]}
  team: {limit: 5 USD, window: total}
"""


@pytest.mark.parametrize(
    ("share", "filled"),
    [
        pytest.param(0.0, 0, id="nothing"),
        pytest.param(0.5, 10, id="half"),
        pytest.param(3.0, 20, id="more than there was"),
        pytest.param(-1.0, 0, id="less than nothing"),
    ],
)
def test_a_share_is_a_bar(share: float, filled: int) -> None:
    assert bar(share) == "█" * filled + "░" * (20 - filled)


@pytest.mark.slow
async def test_what_was_spent_is_told_and_what_is_left(run: Run, project: Path) -> None:
    async def told(*arguments: str) -> str:
        ran = await asyncio.to_thread(run, "--project", project, *arguments)
        assert (ran.code, ran.err) == (0, "")
        return ran.out

    (project / "budgets.yaml").write_text(BUDGETS)
    async with ScriptedUpstream() as upstream:
        put_on_ladder(project, upstream.url)
        before = await told("budget")
        assert before.splitlines()[0].startswith("team  ░")
        assert "each: nobody has spent anything yet" in before
        await told("ask", "support", ANSWERABLE, "--user", "ada")
    states = json.loads(await told("budget", "--json"))
    assert [(one["budget"], one["owner"]) for one in states] == [
        ("each", {"tenant": "default", "user": "ada"}),
        ("team", {}),
    ]
    cost = states[0]["used"]
    assert (states[1]["used"], states[0]["held"], states[1]["held"]) == (cost, 0, 0)
    assert cost == 7 * 1_000 + 3 * 2_000
    assert " 0.0%" in await told("budget")
    groups = json.loads(await told("spend", "--by", "model,user", "--json"))
    assert [(one["of"], one["cost"]) for one in groups] == [
        ({"user": "ada", "model": "rung-1"}, cost),
        ({"user": "ada", "model": "extractive"}, 0),
    ]
    lines = (await told("spend", "--by", "model", "--days", "1")).splitlines()
    assert lines[0].split() == ["model", "calls", "attempts", "tokens", "cost"]
    assert lines[1].split()[:4] == ["rung-1", "1", "1", "10"]
    assert lines[-1].startswith("sum ")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        pytest.param("--by", "modell", "Did you mean `model`?", id="a dimension with a typo"),
        pytest.param("--zone", "Europe/Berlni", "Europe/Berlin", id="a zone with a typo"),
        pytest.param("--days", "-1", "not in the range", id="days before none"),
    ],
)
def test_what_is_asked_wrongly_is_told(run: Run, project: Path, option: str, value: str, told: str) -> None:
    ran = run("--project", project, "spend", option, value)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_budget_with_a_mistake_is_named_by_its_line(run: Run, project: Path) -> None:
    (project / "budgets.yaml").write_text("budgets:\n  team: {limit: -5 USD, window: month}\n")
    ran = run("--project", project, "budget")
    assert ran.code != 0
    assert "budgets.yaml:2: budgets.team.limit" in ran.err


def test_without_budgets_it_is_told_how_to_begin(run: Run, project: Path) -> None:
    ran = run("--project", project, "budget")
    assert (ran.code, ran.out) == (0, "")
    assert "budgets.yaml" in ran.err
