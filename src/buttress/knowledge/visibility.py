"""Who may see a row, as a filter of the index. Pure; the one place where a scope becomes a condition.

Tenants and readers are stored and compared as hashes. So nothing a person can write (quotes, SQL, emoji, ten
thousand characters, half a surrogate pair) ever stands in a condition, and who may read what cannot be read
off the index's files.
"""

from collections.abc import Callable, Iterable

import msgspec

from buttress.kernel.ids import content_hash
from buttress.kernel.scope import Scope


class Access(msgspec.Struct, frozen=True):
    """Who may see a row: the marks of its tenant and of its readers."""

    tenant: str
    readers: frozenset[str]


def tenant_mark(tenant: str) -> str:
    """Return what stands for `tenant` in the index."""
    return _mark("tenant", tenant)


def reader_mark(reader: str) -> str:
    """Return what stands for a principal in the index."""
    return _mark("reader", reader)


def visible_clause(scope: Scope) -> str:
    """Return the condition that a row meets exactly when `scope` may see it."""
    readers = ", ".join(f"'{reader_mark(one)}'" for one in scope.visible_to)
    return f"tenant = '{tenant_mark(scope.tenant)}' AND array_has_any(readers, [{readers}])"


def sees(scope: Scope) -> Callable[[Access], bool]:
    """Return the same condition as a function: whether `scope` may see rows of an access."""
    tenant, readers = tenant_mark(scope.tenant), {reader_mark(one) for one in scope.visible_to}
    return lambda access: access.tenant == tenant and not readers.isdisjoint(access.readers)


def any_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that `column` holds one of `values`; no row meets it when there are none."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(set(values)))
    return f"{column} IN ({quoted})" if quoted else "false"


def _mark(kind: str, value: str) -> str:
    # surrogatepass: a name that is no valid Unicode must still be told from every other one.
    return content_hash(kind, value.encode("utf-8", "surrogatepass"))[:32]
