"""Which accounts a payer touches, kept: never another one's, never those of a window that is over."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.accounts import MAX_KNOWN, Accounts
from buttress.spend.budgets import Budget, Spender, accounts_of
from buttress.testing.clock import ManualClock

EACH = Budget(name="each", limit=NanoDollars(10), window="day", per=("tenant", "user"))
TEAM = Budget(name="team", limit=NanoDollars(10), window="month", where={"tag.team": "growth"})
SMALL = Budget(name="small", limit=NanoDollars(10), window="total", where={"model": "small"})
BUDGETS = (EACH, TEAM, SMALL)

NAMES = st.sampled_from(["a", "b"])
PAYERS = st.builds(
    Payer,
    tenant=NAMES,
    feature=NAMES,
    user=st.none() | NAMES,
    tags=st.dictionaries(st.just("team"), st.sampled_from(["growth", "other"])),
)


@given(st.lists(st.tuples(PAYERS, st.sampled_from(["small", "large"]), st.integers(-90, 90)), max_size=20))
def test_what_is_kept_is_what_would_be_worked_out(asked: list[tuple[Payer, str, int]]) -> None:
    clock = ManualClock()
    accounts = Accounts(BUDGETS, clock)
    for payer, model, hours in asked:
        clock.jump(timedelta(hours=hours).total_seconds())  # put right, or wrong
        assert accounts.of(payer, model) == accounts_of(BUDGETS, Spender(payer, model), clock.now())


def test_it_is_worked_out_once() -> None:
    accounts, payer = Accounts(BUDGETS, ManualClock()), Payer(tenant="a", feature="f")
    assert accounts.of(payer, "small") is accounts.of(Payer(tenant="a", feature="other"), "small")


def test_of_many_payers_the_oldest_are_forgotten() -> None:
    accounts, first = Accounts(BUDGETS, ManualClock()), Payer(tenant="a", feature="f", user="first")
    found = accounts.of(first, "small")
    for number in range(MAX_KNOWN):
        accounts.of(Payer(tenant="a", feature="f", user=str(number)), "small")
    again = accounts.of(first, "small")
    assert again == found
    assert again is not found
