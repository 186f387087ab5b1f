"""Leases: whatever happens between ledger and workers, nothing is overspent, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from buttress.kernel.usage import NanoDollars
from buttress.spend.leases import Holding, Purse, assumed
from tests.unit.spend.ledger import Account, granted, merged, told

LIMIT = NanoDollars(100)
AMOUNTS = st.integers(0, 400).map(NanoDollars)
COSTS = st.integers(1, 40).map(NanoDollars)
SHARES = st.sampled_from([0.0, 0.5, 1.0])
HOLDINGS = st.builds(
    Holding,
    granted=AMOUNTS,
    used=AMOUNTS,
    returned=AMOUNTS,
    assumed=AMOUNTS,
    unpriced=st.integers(0, 9),
    is_ended=st.booleans(),
)


@given(HOLDINGS, HOLDINGS, HOLDINGS)
def test_in_which_order_and_how_often_things_are_told_does_not_matter(
    one: Holding, other: Holding, third: Holding
) -> None:
    assert merged(one, other) == merged(other, one)
    assert merged(merged(one, other), third) == merged(one, merged(other, third))
    assert merged(one, one) == one


@pytest.mark.parametrize(
    ("room", "needed", "grant"),
    [
        pytest.param(1_000, 10, 250, id="a quarter while there is plenty"),
        pytest.param(30, 10, 10, id="only what is needed near the end"),
        pytest.param(10, 10, 10, id="the very last of it"),
        pytest.param(9, 10, None, id="not what there is not"),
        pytest.param(0, 0, 0, id="nothing where nothing is needed"),
    ],
)
def test_grants_shrink_with_what_is_left(room: int, needed: int, grant: int | None) -> None:
    account, total = granted(Account(limit=NanoDollars(room)), "a", NanoDollars(needed))
    assert total == grant
    assert account.held == (grant or 0)


def test_nothing_is_reserved_after_the_window() -> None:
    purse = Purse(spend_until=10.0)
    purse.receive(NanoDollars(100))
    assert purse.reserve(NanoDollars(60), now=9.9)
    assert not purse.reserve(NanoDollars(10), now=10.0)
    purse.settle(NanoDollars(60), NanoDollars(50))
    assert purse.holding == Holding(granted=NanoDollars(100), used=NanoDollars(50))


def test_who_spends_more_than_was_reserved_leaves_less_for_the_next() -> None:
    purse = Purse(spend_until=10.0)
    purse.receive(NanoDollars(100))
    purse.reserve(NanoDollars(10), now=0.0)
    purse.settle(NanoDollars(10), NanoDollars(130))
    assert purse.free == -30
    assert not purse.reserve(NanoDollars(0), now=0.0)
    account = told(Account(limit=NanoDollars(100)), "a", purse.holding)
    assert (account.used, account.held, account.room) == (130, 0, 0)


def test_a_cost_that_nobody_knows_is_taken_for_what_was_set_aside() -> None:
    purse = Purse(spend_until=10.0)
    purse.receive(NanoDollars(100))
    for worst in (NanoDollars(10), NanoDollars(0)):
        purse.reserve(worst, now=0.0)
        purse.settle(worst, None)
    assert purse.holding == Holding(granted=NanoDollars(100), used=NanoDollars(10), unpriced=2)


def test_a_lease_with_something_under_way_does_not_end() -> None:
    purse = Purse(spend_until=10.0)
    purse.receive(NanoDollars(100))
    purse.reserve(NanoDollars(10), now=0.0)
    assert not purse.end()
    purse.settle(NanoDollars(10), NanoDollars(10))
    assert purse.end()
    assert not purse.reserve(NanoDollars(1), now=0.0)


@pytest.mark.parametrize(
    ("under_way", "used"),
    [
        pytest.param(None, 100, id="all of it, without a spool"),
        pytest.param(30, 70, id="what was under way, with one"),
        pytest.param(0, 40, id="nothing, where nothing was"),
        pytest.param(500, 100, id="never more than there was"),
    ],
)
def test_what_a_worker_that_is_gone_may_have_spent_counts_as_spent(under_way: int | None, used: int) -> None:
    holding = Holding(granted=NanoDollars(110), used=NanoDollars(40), returned=NanoDollars(10))
    ended = assumed(holding, under_way)
    assert (ended.used, ended.outstanding, ended.assumed) == (used, 0, used - 40)


@dataclass
class Worker:
    """One life of a worker: its purse, what it has under way, and its spool."""

    lease: str
    purse: Purse
    under_way: list[NanoDollars] = field(default_factory=list)
    spool: list[Holding] = field(default_factory=list)
    is_alive: bool = True

    def note(self) -> None:
        """Write down how it stands with the lease."""
        self.spool.append(self.purse.holding)


class Spending(RuleBasedStateMachine):
    """Three workers and one ledger, which crash, repeat themselves, are late, and forget.

    `spent` is the truth: what upstreams were paid. It is known to nobody.
    """

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(limit=LIMIT)
        self.backup = self.account
        self.has_forgotten = False
        self.spent = 0
        self.lives = 0
        self.now = 0.0
        self.workers = [self.born() for _ in range(3)]
        self.dead: list[Worker] = []

    def born(self) -> Worker:
        self.lives += 1
        return Worker(f"lease-{self.lives}", Purse(spend_until=100.0))

    def everybody(self) -> Iterator[Worker]:
        yield from self.workers
        yield from self.dead

    @rule(who=st.integers(0, 2), worst=COSTS, is_heard=st.sampled_from([True, True, True, False]))
    def begin(self, who: int, worst: NanoDollars, *, is_heard: bool) -> None:
        """An attempt begins, if it can be paid for; its worker asks for more, if need be."""
        worker = self.workers[who]
        if not worker.purse.reserve(worst, self.now):
            self.ask(worker, worst, is_heard=is_heard)
            if not worker.purse.reserve(worst, self.now):
                return
        worker.under_way.append(worst)

    def ask(self, worker: Worker, needed: NanoDollars, *, is_heard: bool) -> None:
        """A worker asks for money; the answer may get lost. Who has forgotten grants nothing."""
        if self.has_forgotten:
            return
        self.account, total = granted(self.account, worker.lease, needed)
        if total is not None and is_heard:
            worker.purse.receive(total)
            worker.note()

    @precondition(lambda self: any(worker.under_way for worker in self.workers))
    @rule(share=SHARES, data=st.data())
    def finish(self, share: float, data: st.DataObject) -> None:
        """An attempt ends, and cost at most what was reserved for it."""
        worker = data.draw(st.sampled_from([one for one in self.workers if one.under_way]))
        worst = worker.under_way.pop()
        cost = NanoDollars(int(worst * share))
        self.spent += cost
        worker.purse.settle(worst, cost)
        worker.note()

    @rule(who=st.integers(0, 2), keep=st.integers(0, 50))
    def give_back(self, who: int, keep: int) -> None:
        """A worker gives back what it does not need."""
        self.workers[who].purse.give_back(keep)
        self.workers[who].note()

    @rule(who=st.integers(0, 2))
    def retire(self, who: int) -> None:
        """A worker ends in order, if it can; another one takes its place."""
        worker = self.workers[who]
        if worker.purse.end():
            worker.note()
            self.dead.append(worker)
            self.workers[who] = self.born()

    @rule(who=st.integers(0, 2), share=SHARES)
    def crash(self, who: int, share: float) -> None:
        """A worker is killed; what it had under way may have cost anything up to what was reserved."""
        worker = self.workers[who]
        self.spent += sum(int(worst * share) for worst in worker.under_way)
        worker.is_alive = False
        self.dead.append(worker)
        self.workers[who] = self.born()

    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        """Any records of any spool come to the ledger: late, twice, in any order."""
        worker = data.draw(st.sampled_from(list(self.everybody())))
        for number in data.draw(st.lists(st.integers(0, 30), max_size=4)):
            if number < len(worker.spool):
                self.account = told(self.account, worker.lease, worker.spool[number])

    @precondition(lambda self: not self.has_forgotten)  # who has forgotten a lease would end it at nothing
    @rule(has_spool=st.booleans())
    def bury(self, *, has_spool: bool) -> None:
        """The ledger learns that workers were killed; with their whole spools, or without."""
        for worker in self.dead:
            if worker.is_alive:
                continue
            if has_spool:
                self.read(worker)
            known = self.account.leases.get(worker.lease, Holding())
            if not known.is_ended:
                ended = assumed(known, sum(worker.under_way) if has_spool else None)
                self.account = told(self.account, worker.lease, ended)

    @rule()
    def back_up(self) -> None:
        """The ledger is copied."""
        self.backup = self.account

    @rule()
    def forget(self) -> None:
        """The ledger is restored from its copy."""
        self.account, self.has_forgotten = self.backup, True

    @precondition(lambda self: self.has_forgotten)
    @rule()
    def learn_again(self) -> None:
        """All spools that were kept are read again; only then may anything be granted."""
        for worker in self.everybody():
            self.read(worker)
        self.has_forgotten = False
        self.bury(has_spool=True)

    @rule(seconds=st.floats(-30, 30))
    def jump(self, seconds: float) -> None:
        """A clock jumps."""
        self.now = max(0.0, self.now + seconds)

    def read(self, worker: Worker) -> None:
        for holding in worker.spool:
            self.account = told(self.account, worker.lease, holding)

    @invariant()
    def no_more_is_spent_than_there_is(self) -> None:
        """Not even if everything that is under way costs all that was reserved."""
        worst = sum(sum(worker.under_way) for worker in self.workers)
        assert self.spent + worst <= LIMIT

    def teardown(self) -> None:
        """After everything was told, the ledger knows what was spent; what it assumed is no less."""
        for who in range(3):
            worker = self.workers[who]
            while worker.under_way:
                worst = worker.under_way.pop()
                self.spent += worst
                worker.purse.settle(worst, worst)
            worker.purse.end()
            worker.note()
        self.learn_again()
        assert self.account.held == 0
        assert self.spent <= self.account.used <= LIMIT
        may_be_more = any(not worker.is_alive for worker in self.dead)
        assert may_be_more or self.account.used == self.spent


TestSpending = pytest.mark.slow(Spending.TestCase)
TestSpending.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
