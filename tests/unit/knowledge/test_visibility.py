"""Who may see a row, as a condition."""

import re

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scope import Scope
from buttress.knowledge.visibility import Access, any_of, reader_mark, sees, tenant_mark, visible_clause

CLAUSE = re.compile(r"tenant = '[0-9a-f]{32}' AND array_has_any\(readers, \[('[0-9a-f]{32}'(, )?)+\]\)")
anything = st.text(alphabet=st.characters(), max_size=30)


@given(anything, st.frozensets(anything, max_size=5))
def test_nothing_anybody_wrote_stands_in_a_condition(tenant: str, principals: frozenset[str]) -> None:
    assert CLAUSE.fullmatch(visible_clause(Scope(tenant, principals)))


@given(anything, anything)
def test_different_names_have_different_marks(one: str, other: str) -> None:
    assert (tenant_mark(one) == tenant_mark(other)) == (one == other)
    assert (reader_mark(one) == reader_mark(other)) == (one == other)
    assert tenant_mark(one) != reader_mark(one)


def test_half_a_surrogate_pair_is_a_name_of_its_own() -> None:
    assert len({tenant_mark(name) for name in ("?", "\ud800", "\ud801", "\ufffd")}) == 4


def test_everybody_is_always_among_the_readers() -> None:
    assert reader_mark("*") in visible_clause(Scope("t"))


@given(
    st.tuples(anything, st.frozensets(anything, min_size=1, max_size=3)), anything, st.frozensets(anything)
)
def test_the_rule_as_a_function(
    row: tuple[str, frozenset[str]], tenant: str, principals: frozenset[str]
) -> None:
    """The same tenant, and everybody or one of the principals among the readers."""
    access = Access(tenant_mark(row[0]), frozenset(reader_mark(one) for one in row[1]))
    expected = row[0] == tenant and bool(row[1] & {"*", *principals})
    assert sees(Scope(tenant, principals))(access) == expected


def test_no_values_are_met_by_no_row() -> None:
    assert any_of("id", []) == "false"
    assert any_of("id", ["b", "a'; --", "b"]) == "id IN ('a''; --', 'b')"
