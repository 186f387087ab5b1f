"""What somebody may ask, and in whose name. Pure.

What is refused is refused in the same words whether it exists or not.
"""

from collections.abc import Container, Iterable

from buttress.access.errors import NotAllowed
from buttress.access.types import ROLES, Role
from buttress.kernel.principal import Principal
from buttress.kernel.scope import Scope, scope_for

MAX_TOLD = 200
"""Characters of a name that an error repeats."""


def is_scoped(who: Principal) -> bool:
    """Say whether there is anything that `who` may not ask."""
    return who.features is not None or who.models is not None


def may_ask_feature(who: Principal, name: str) -> bool:
    """Say whether `who` may ask the feature of that name, if there is one."""
    return who.features is None or name in who.features


def may_ask_model(who: Principal, name: str) -> bool:
    """Say whether `who` may ask the model or the ladder of that name, if there is one."""
    return who.models is None or name in who.models


def require_name(who: Principal, name: str, features: Container[str], models: Container[str]) -> None:
    """Go on where `who` may ask for `name`, one of the `features` or else of the `models` that there are.

    Who may ask everything is let through with any name.

    Raises:
        NotAllowed: it is out of scope, or there is none and `who` may not know that.
    """
    if not is_scoped(who):
        return
    is_known_model = name in models and may_ask_model(who, name)
    if not (may_ask_feature(who, name) if name in features else is_known_model):
        raise _out_of_scope(name)


def require_model(who: Principal, name: str) -> None:
    """Go on where `who` may ask the model of that name, if there is one.

    Raises:
        NotAllowed: it is out of scope.
    """
    if not may_ask_model(who, name):
        raise _out_of_scope(name)


def tenant_of(who: Principal, named: str | None) -> str:
    """Return the tenant that a request is for, which may have `named` one.

    Raises:
        NotAllowed: it is none of the key's.
    """
    tenant = named or who.tenant
    if who.tenants is not None and tenant not in who.tenants:
        raise NotAllowed(
            f"this key may not ask for the tenant {tenant[:MAX_TOLD]!r}", data={"param": "tenant"}
        )
    return tenant


def groups_of(who: Principal, named: Iterable[str]) -> tuple[str, ...]:
    """Return the groups that a request counts for: those it `named`, else the key's own.

    A key without a user and without groups is a program's, which knows who is in which group: it is believed.

    Raises:
        NotAllowed: the key is a user's or has groups, and the request names one that is not among them.
    """
    named = tuple(named)
    is_bound = who.user is not None or bool(who.groups)
    for group in named:
        if is_bound and group not in who.groups:
            told = f"this key may not ask for the group {group[:MAX_TOLD]!r}"
            raise NotAllowed(told, data={"param": "groups"})
    return named or who.groups


def scope_of(who: Principal) -> Scope:
    """Return what `who` may see of documents, asking in no other name."""
    return scope_for(who.tenant, who.user, who.groups)


def sight_of(who: Principal) -> dict[str, frozenset[str]]:
    """Return whose money `who` may see: of such values only, in dimensions that have any.

    A key of some tenants, or of a user, is for their money. One of some features or models is for what was
    asked with itself: else it would tell the names of the others.
    """
    bounds: dict[str, frozenset[str]] = {}
    if who.tenants is not None:
        bounds["tenant"] = who.tenants
    if who.user is not None:
        bounds["user"] = frozenset({who.user})
    if is_scoped(who):
        bounds["key"] = frozenset({who.key or ""})
    return bounds


def require_role(who: Principal, role: Role) -> None:
    """Go on where `who` has at least `role`.

    Raises:
        NotAllowed: not so.
    """
    if who.role not in ROLES or ROLES.index(who.role) < ROLES.index(role):
        raise NotAllowed(f"this needs a key with the role {role}; this one's is {who.role}")


def require_whole(who: Principal) -> None:
    """Go on where `who` may see what is about every tenant, user, feature and model.

    Raises:
        NotAllowed: the key is for some of them only.
    """
    if sight_of(who):
        raise NotAllowed(
            "this is about all tenants, users, features and models, and this key is for some of them"
        )


def _out_of_scope(name: str) -> NotAllowed:
    return NotAllowed(f"this key may not ask for {name[:MAX_TOLD]!r}", data={"param": "model"})
