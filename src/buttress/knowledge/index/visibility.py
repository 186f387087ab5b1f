"""Who may see a row, as a filter of the index. Pure; the one place where a scope becomes a condition.

Tenants and readers are stored and compared as hashes. So nothing a person can write (quotes, SQL, emoji, ten
thousand characters, half a surrogate pair) ever stands in a condition, and who may read what cannot be read
off the index's files.
"""

from collections.abc import Callable, Iterable

import msgspec

from buttress.kernel.ids import content_hash
from buttress.kernel.scope import Scope
from buttress.knowledge.types import KnowledgeBase


class Access(msgspec.Struct, frozen=True):
    """Who may see a row: the marks of its tenant, of its readers and of its source."""

    tenant: str
    readers: frozenset[str]
    source: str = ""


def tenant_mark(tenant: str) -> str:
    """Return what stands for `tenant` in the index."""
    return _mark("tenant", tenant)


def reader_mark(reader: str) -> str:
    """Return what stands for a principal in the index."""
    return _mark("reader", reader)


def source_mark(tenant: str, label: str) -> str:
    """Return what stands for a source of a knowledge base of `tenant`; nothing for rows of no source."""
    return _mark("source", content_hash(tenant_mark(tenant), _mark("label", label))) if label else ""


def visible_clause(scope: Scope, base: KnowledgeBase | None = None) -> str:
    """Return the condition that a row meets exactly when `scope` may see it.

    What was written with the row counts, and what `base` declares now: a row of a source that is declared no
    more, or no more for the scope, is not seen, before any sync has rewritten it. Without `base` rows of no
    source are meant.
    """
    readers = ", ".join(f"'{reader_mark(one)}'" for one in scope.visible_to)
    sources = any_of("source", _open_sources(scope, base))
    return f"tenant = '{tenant_mark(scope.tenant)}' AND array_has_any(readers, [{readers}]) AND {sources}"


def sees(scope: Scope, base: KnowledgeBase | None = None) -> Callable[[Access], bool]:
    """Return the same condition as a function: whether `scope` may see rows of an access."""
    tenant, readers = tenant_mark(scope.tenant), {reader_mark(one) for one in scope.visible_to}
    sources = _open_sources(scope, base)

    def is_seen(access: Access) -> bool:
        return access.tenant == tenant and access.source in sources and not readers.isdisjoint(access.readers)

    return is_seen


def open_sources(scope: Scope, base: KnowledgeBase) -> list[str]:
    """Return the labels of the sources that are declared for `scope` now."""
    seen_by = set(scope.visible_to)
    return [one.label for one in base.sources if not seen_by.isdisjoint(one.readers)]


def _open_sources(scope: Scope, base: KnowledgeBase | None) -> set[str]:
    """Return the marks of the sources that may be seen; that of no source is always among them."""
    if base is None:
        return {""}
    return {"", *(source_mark(base.tenant, one) for one in open_sources(scope, base))}


def any_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that `column` holds one of `values`; no row meets it when there are none."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(set(values)))
    return f"{column} IN ({quoted})" if quoted else "false"


def _mark(kind: str, value: str) -> str:
    # surrogatepass: a name that is no valid Unicode must still be told from every other one.
    return content_hash(kind, value.encode("utf-8", "surrogatepass"))[:32]
