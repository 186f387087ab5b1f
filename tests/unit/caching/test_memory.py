"""Answers in memory: bounded, over when their time is, and fair between tenants."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from buttress.caching.memory import OVERHEAD_BYTES, MemoryAnswers
from buttress.caching.types import Entry, Key
from buttress.testing.clock import NOON
from tests.unit.caching.entries import a_key, an_entry

ROOMY = 10_000_000


def test_what_was_put_is_there_until_its_time_is_over() -> None:
    answers = MemoryAnswers(10, ROOMY)
    entry = an_entry(ttl_s=60)
    answers.put(a_key(), entry)
    assert answers.get(a_key(), NOON + timedelta(seconds=59.9)) == entry
    assert answers.get(a_key(), NOON + timedelta(seconds=60)) is None
    assert (answers.entries, answers.size_bytes) == (0, 0)


def test_a_newer_one_takes_its_place() -> None:
    answers = MemoryAnswers(10, ROOMY)
    answers.put(a_key(), an_entry(b"old"))
    answers.put(a_key(), an_entry(b"newer"))
    found = answers.get(a_key(), NOON)
    assert found is not None
    assert found.body == b"newer"
    assert answers.entries == 1


def test_what_was_not_asked_for_longest_goes_first() -> None:
    answers = MemoryAnswers(2, ROOMY)
    for digest in ("one", "two"):
        answers.put(a_key(digest), an_entry())
    assert answers.get(a_key("one"), NOON)
    answers.put(a_key("three"), an_entry())
    kept = [digest for digest in ("one", "two", "three") if answers.get(a_key(digest), NOON)]
    assert kept == ["one", "three"]


def test_a_tenant_drives_out_its_own_answers_only() -> None:
    answers = MemoryAnswers(1_000, 20 * (OVERHEAD_BYTES + 100))
    answers.put(a_key("theirs", "small"), an_entry(b"x" * 100))
    for number in range(500):
        answers.put(a_key(f"mine {number}", "big"), an_entry(b"x" * 100))
    assert answers.get(a_key("theirs", "small"), NOON)
    assert answers.get(a_key("mine 499", "big"), NOON)


def test_what_is_larger_than_all_there_may_be_drives_out_nothing() -> None:
    answers = MemoryAnswers(10, 2_000)
    answers.put(a_key("one"), an_entry())
    answers.put(a_key("two"), an_entry(b"x" * 3_000))
    assert answers.get(a_key("one"), NOON)
    assert not answers.get(a_key("two"), NOON)


def test_without_room_for_any_nothing_is_kept() -> None:
    answers = MemoryAnswers(0, ROOMY)
    answers.put(a_key(), an_entry())
    assert answers.get(a_key(), NOON) is None


def test_what_cites_a_document_is_forgotten_with_it() -> None:
    answers = MemoryAnswers(10, ROOMY)
    answers.put(a_key("one"), an_entry(cited=("d1", "d2")))
    answers.put(a_key("two"), an_entry(cited=("d3",)))
    assert answers.forget_cited(["d2", "d9"]) == 1
    assert answers.get(a_key("one"), NOON) is None
    assert answers.get(a_key("two"), NOON)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 900)), max_size=60))
def test_nobody_is_ever_given_what_is_anothers(puts: list[tuple[str, str, int]]) -> None:
    answers = MemoryAnswers(5, 4_000)
    for tenant, digest, size in puts:
        answers.put(a_key(digest, tenant), an_entry(tenant.encode() * size))
        for other in "abc":
            found = answers.get(a_key(digest, other), NOON)
            assert found is None or set(found.body) <= {ord(other)}


class Bounded(RuleBasedStateMachine):
    """Whatever is done, the bounds hold, the figures are right, and the newest one is there."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = MemoryAnswers(6, 8_000)
        self.put: dict[Key, Entry] = {}
        self.last: Key | None = None

    @rule(tenant=st.sampled_from("abcd"), digest=st.sampled_from("1234"), size=st.integers(0, 7_000))
    def put_one(self, tenant: str, digest: str, size: int) -> None:
        key, entry = a_key(digest, tenant), an_entry(b"x" * size)
        self.answers.put(key, entry)
        self.put[key] = entry
        self.last = key

    @rule(tenant=st.sampled_from("abcd"))
    def forget_one(self, tenant: str) -> None:
        self.answers.forget(lambda key, _: key.tenant == tenant)
        self.put = {key: entry for key, entry in self.put.items() if key.tenant != tenant}
        self.last = None

    @invariant()
    def holds_what_it_says(self) -> None:
        found = {key: self.answers.get(key, NOON) for key in self.put}
        kept = [entry for entry in found.values() if entry]
        assert all(entry in {None, self.put[key]} for key, entry in found.items())
        assert self.answers.entries == len(kept) <= 6
        assert self.answers.size_bytes == sum(OVERHEAD_BYTES + len(one.body) for one in kept) <= 8_000

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_last_is_there_unless_its_tenant_holds_the_most(self) -> None:
        assert self.last is not None
        if all(key.tenant == self.last.tenant for key in self.put):
            assert self.answers.get(self.last, NOON)


TestBounded = Bounded.TestCase
