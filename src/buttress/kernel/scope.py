"""Scope: what a retrieval may see. A retriever cannot be asked without one."""

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
