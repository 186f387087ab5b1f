"""Who may see a row, as a condition."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scope import Scope
from buttress.knowledge.index.visibility import (
    Access,
    any_of,
    open_sources,
    reader_mark,
    sees,
    source_mark,
    tenant_mark,
    visible_clause,
)
from buttress.knowledge.types import FolderSource, KnowledgeBase

CLAUSE = re.compile(
    r"tenant = '[0-9a-f]{32}' AND array_has_any\(readers, \[('[0-9a-f]{32}'(, )?)+\]\)"
    r" AND source IN \(''(, '[0-9a-f]{32}')*\)"
)
anything = st.text(alphabet=st.characters(), max_size=30)
written = st.text(alphabet=st.characters(), min_size=1, max_size=30)


def declared(tenant: str, **sources: tuple[str, ...]) -> KnowledgeBase:
    """Return a knowledge base of these sources, each with its readers."""
    found = tuple(FolderSource(folder=name, readers=readers) for name, readers in sources.items())
    return KnowledgeBase(name="b", tenant=tenant, sources=found)


@given(anything, st.frozensets(anything, max_size=5))
def test_nothing_anybody_wrote_stands_in_a_condition(tenant: str, principals: frozenset[str]) -> None:
    assert CLAUSE.fullmatch(visible_clause(Scope(tenant, principals)))
    base = KnowledgeBase(name="b", tenant=tenant, sources=(FolderSource(folder="'; --", readers=("*",)),))
    assert CLAUSE.fullmatch(visible_clause(Scope(tenant, principals), base))


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


@given(written, written, written)
def test_sources_have_marks_of_their_own(tenant: str, label: str, other: str) -> None:
    assert (source_mark(tenant, label) == source_mark(tenant, other)) == (label == other)
    assert (source_mark(label, tenant) == source_mark(other, tenant)) == (label == other)


@pytest.mark.parametrize(
    ("base", "is_seen"),
    [
        pytest.param(declared("t", docs=("*",)), True, id="as it was taken in"),
        pytest.param(declared("t", docs=("group:hr", "user:ada")), True, id="ada is named now"),
        pytest.param(declared("t", docs=("group:hr",)), False, id="nobody else may any more"),
        pytest.param(declared("t", others=("*",)), False, id="its source is declared no more"),
        pytest.param(declared("u", docs=("*",)), False, id="it is another tenant's now"),
        pytest.param(declared("t", docs=("group:hr",), others=("*",)), False, id="others are open"),
    ],
)
def test_what_is_declared_now_counts_before_any_sync(
    base: KnowledgeBase,
    is_seen: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Of a row that was taken in for everybody of the tenant; in the condition as in the function."""
    scope, mark = Scope("t", frozenset({"user:ada"})), source_mark("t", "docs")
    row = Access(tenant_mark("t"), frozenset({reader_mark("*")}), mark)
    assert sees(scope, base)(row) == is_seen
    assert (f"'{mark}'" in visible_clause(scope, base)) == is_seen
    assert ("docs" in open_sources(scope, base)) == (is_seen or base.tenant == "u")


def test_no_values_are_met_by_no_row() -> None:
    assert any_of("id", []) == "false"
    assert any_of("id", ["b", "a'; --", "b"]) == "id IN ('a''; --', 'b')"
