"""`spend.budgets`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import LONGEST_MONTH_S, NOBODY, Budget, Spender, accounts_of, longest_s

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEAM = Budget(name="team", limit=NanoDollars(100), window="month")
USERS = Budget(name="users", limit=NanoDollars(10), window="day", per=("user",))
SEARCH = Budget(
    name="search", limit=NanoDollars(5), window="day", where={"feature": "search", "tag.team": "growth"}
)
PAYER = Payer(tenant="default", feature="search", user="anna", tags={"team": "growth"})
ANNA = Spender(PAYER, "small")


def test_a_call_touches_the_accounts_that_are_about_it() -> None:
    found = accounts_of([TEAM, USERS, SEARCH], ANNA, NOON)
    assert [(one.key.budget, one.key.owner) for one in found] == [
        ("team", ()),
        ("users", ("anna",)),
        ("search", ()),
    ]
    other = Spender(msgspec.structs.replace(PAYER, tags={}), "small")
    assert [one.key.budget for one in accounts_of([TEAM, USERS, SEARCH], other, NOON)] == ["team", "users"]


def test_each_user_has_an_account_and_those_without_a_name_share_one() -> None:
    def owner(user: str | None) -> tuple[str, ...]:
        return accounts_of([USERS], Spender(msgspec.structs.replace(PAYER, user=user), "small"), NOON)[
            0
        ].key.owner

    assert [owner("anna"), owner("ben"), owner(None), owner("")] == [
        ("anna",),
        ("ben",),
        (NOBODY,),
        (NOBODY,),
    ]


def test_another_day_is_another_account() -> None:
    today, tomorrow = (accounts_of([USERS], ANNA, NOON + timedelta(days=days))[0] for days in (0, 1))
    assert today.key != tomorrow.key
    assert today.window.end == tomorrow.window.start


@given(st.permutations(["a", "b", "c"]), st.text(max_size=3), st.text(max_size=3))
def test_owners_never_run_into_one_another(per: list[str], one: str, other: str) -> None:
    budget = Budget(name="x", limit=NanoDollars(1), window="total", per=tuple(f"tag.{tag}" for tag in per))

    def key(tags: dict[str, str]) -> object:
        return accounts_of([budget], Spender(msgspec.structs.replace(PAYER, tags=tags), "small"), NOON)[0].key

    assert (key({"a": one, "b": other}) == key({"a": other, "b": one})) == (one == other)


@pytest.mark.parametrize(
    ("sight", "seen"),
    [
        pytest.param({}, ["all", "tenants", "users", "acme"], id="everything"),
        pytest.param({"tenant": {"acme"}}, ["tenants", "users", "acme"], id="its tenant"),
        pytest.param({"tenant": {"acme"}, "user": {"anna"}}, ["users"], id="a user of it"),
        pytest.param({"tenant": {"globex"}}, [], id="another tenant"),
        pytest.param({"key": {"k"}}, [], id="a key, and no budget by keys"),
    ],
)
def test_an_account_is_seen_by_who_may_see_all_that_draw_from_it(
    sight: Mapping[str, set[str]], seen: list[str]
) -> None:
    budgets = [
        Budget(name="all", limit=NanoDollars(9), window="total"),
        Budget(name="tenants", limit=NanoDollars(9), window="total", per=("tenant",)),
        Budget(name="users", limit=NanoDollars(9), window="total", per=("tenant", "user")),
        Budget(name="acme", limit=NanoDollars(9), window="total", where={"tenant": "acme"}),
    ]
    payer = Payer(tenant="acme", feature="search", user="anna", key="k")
    dues = accounts_of(budgets, Spender(payer, "small"), NOON)
    assert [due.budget.name for due in dues if due.is_in(sight)] == seen


@given(
    hours=st.integers(0, 40_000),
    window=st.sampled_from(["day", "week", "month", "rolling"]),
    rolling_s=st.integers(60, 31_622_400),
)
def test_no_window_counts_for_longer_than_the_longest(
    hours: int, window: Literal["day", "week", "month", "rolling"], rolling_s: int
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    budget = Budget(
        name="b", limit=NanoDollars(1), window=window, rolling_s=rolling_s, time_zone="Europe/Berlin"
    )
    (due,) = accounts_of([budget], Spender(Payer(tenant="t", feature="f"), "m"), moment)
    assert (moment - due.window.counts_from).total_seconds() <= longest_s([budget])
    assert longest_s([]) == LONGEST_MONTH_S
