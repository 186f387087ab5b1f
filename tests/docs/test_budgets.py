"""What docs/how-to/keep-within-a-budget.md shows is read as it says."""

import re
from pathlib import Path

import msgspec

from buttress.server.errors import STATUSES
from buttress.spend.budgets import Budget
from buttress.spend.declaration import BudgetEntry, read_budgets

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "keep-within-a-budget.md").read_text("utf-8")


def test_its_budgets_yaml_is_one() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    budgets = read_budgets(found[1], Path("budgets.yaml"))
    assert [one.name for one in budgets if isinstance(one, Budget)] == ["each-user", "team", "trial"]


def test_its_table_has_every_field() -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(BudgetEntry)} - {"rolling_s"}
    assert fields == set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_its_answers_are_those_of_the_server() -> None:
    told = re.findall(r"^\| (\d{3}).*?\| `([\w.]+)`", PAGE, re.MULTILINE)
    assert len(told) == 4
    for status, code in told:
        assert STATUSES[code] == int(status)
