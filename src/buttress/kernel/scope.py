"""Scope: what a retrieval may see. A retriever cannot be asked without one."""

from collections.abc import Iterable

import msgspec

EVERYBODY = "*"
"""The principal that every member of a tenant holds."""


class Scope(msgspec.Struct, frozen=True):
    """One tenant, and the principals (user, groups) that ask on its behalf.

    A document is visible when its tenant is this one and one of its readers is among `visible_to`.
    """

    tenant: str
    principals: frozenset[str] = frozenset()

    @property
    def visible_to(self) -> list[str]:
        """The readers whose documents may be seen, sorted; everybody is always one of them."""
        return sorted({EVERYBODY, *self.principals})


def scope_for(tenant: str, user: str | None, groups: Iterable[str]) -> Scope:
    """Return what a user of `tenant` in these `groups` may see; without a user what the groups may."""
    named = [f"user:{user}"] if user else []
    return Scope(tenant, frozenset([*named, *(f"group:{group}" for group in groups)]))
