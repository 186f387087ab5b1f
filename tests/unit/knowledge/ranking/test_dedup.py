"""What says nothing new is left out; what says anything new is not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.ranking.dedup import distinct
from tests.unit.knowledge.passages import candidate

LONG = (
    "A refund for an annual plan is paid back to the card it came from, as soon as the finance team has "
    "looked at the request, and the person who asked is told by mail when the money is on its way to them."
)


def kept(*texts: str) -> list[str]:
    """Return the texts that are kept, of texts given best first."""
    ranked = [candidate(text, number) for number, text in enumerate(texts)]
    return [one.passage.text for one in distinct(ranked)]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(LONG, id="a copy"),
        pytest.param(LONG.upper() + " ", id="a copy in capitals"),
        pytest.param(LONG[30:140], id="a part"),
        pytest.param(LONG.replace("mail", "email"), id="one word of forty differs"),
    ],
)
def test_what_was_said_is_not_said_again(second: str) -> None:
    assert kept(LONG, second) == [LONG]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(LONG + " It takes 14 days.", LONG + " It takes 30 days.", id="another number"),
        pytest.param(
            LONG.replace("is paid", "is not paid"), LONG + " It cannot be asked for twice.", id="a negation"
        ),
        pytest.param(
            LONG, LONG + " " + "Monthly plans end with the month and are never refunded at all.", id="more"
        ),
        pytest.param("Refunds take a week.", "Refunds need a form.", id="short and different"),
    ],
)
def test_what_is_new_is_kept(first: str, second: str) -> None:
    assert kept(first, second) == [first, second]


def test_the_better_one_is_kept() -> None:
    """Whichever of the two stands first."""
    part = LONG[30:140]
    assert kept(part, "Something else entirely.", part) == [part, "Something else entirely."]


@given(st.lists(st.text(alphabet="ab 1.", max_size=12), max_size=8))
def test_order_holds(texts: list[str]) -> None:
    """What is kept is kept in order, the first always, and doing it twice changes nothing."""
    ranked = [candidate(text, number) for number, text in enumerate(texts)]
    best = list(distinct(ranked))
    assert best == [one for one in ranked if one in best]
    assert best[:1] == ranked[:1]
    assert list(distinct(best)) == best
    assert len({one.passage.text for one in best}) == len(best)
    assert msgspec.structs.asdict(best[0]) == msgspec.structs.asdict(ranked[0]) if ranked else not best


def test_no_more_of_a_document_than_is_wanted() -> None:
    """What repeats another does not count; 0 is no bound."""
    ranked = [
        candidate("roses want sun", 1, "a"),
        candidate("roses want sun", 2, "a"),
        candidate("moss wants shade", 3, "a"),
        candidate("a spade digs", 4, "a"),
        candidate("gloves are worn", 5, "b"),
    ]
    assert [one.passage.chunk_id for one in distinct(ranked, 2)] == ["1", "3", "5"]
    assert [one.passage.chunk_id for one in distinct(ranked)] == ["1", "3", "4", "5"]


def test_no_more_is_read_than_is_asked_for() -> None:
    """So that a long ranking costs what its first passages cost."""
    ranked = iter([candidate("roses want sun", 1), candidate("moss wants shade", 2), candidate("a spade", 3)])
    assert next(distinct(ranked)).passage.chunk_id == "1"
    assert len(list(ranked)) == 2
