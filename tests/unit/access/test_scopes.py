"""`access.scopes`: what somebody may ask, and in whose name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.errors import NotAllowed
from buttress.access.scopes import (
    groups_of,
    may_ask_feature,
    may_ask_model,
    require_model,
    require_name,
    require_role,
    require_whole,
    scope_of,
    sight_of,
    tenant_of,
)
from buttress.access.types import ROLES, Role
from buttress.kernel.principal import ANYBODY, Principal
from buttress.kernel.scope import Scope

FEATURES, MODELS = ("support", "search"), ("small", "large")
NAMES = (*FEATURES, *MODELS, "nothing")
scopes = st.none() | st.frozensets(st.sampled_from(NAMES))


def is_let_through(who: Principal, name: str) -> bool:
    try:
        require_name(who, name, FEATURES, MODELS)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        pytest.param(ANYBODY, NAMES, id="anybody: everything, and is told what there is not"),
        pytest.param(Principal(features=frozenset({"support"})), ("support", *MODELS), id="one feature"),
        pytest.param(Principal(models=frozenset({"small"})), (*FEATURES, "small"), id="one model"),
        pytest.param(
            Principal(features=frozenset({"search"}), models=frozenset()), ("search",), id="no model"
        ),
        pytest.param(Principal(models=frozenset({"nothing"})), FEATURES, id="a model that there is not"),
    ],
)
def test_what_may_be_asked(who: Principal, allowed: tuple[str, ...]) -> None:
    assert tuple(name for name in NAMES if is_let_through(who, name)) == allowed


@given(features=scopes, models=scopes, name=st.sampled_from(NAMES))
def test_what_is_refused_is_refused_in_words_that_tell_nothing(
    features: frozenset[str] | None, models: frozenset[str] | None, name: str
) -> None:
    """The same key, the same name; once it exists as something out of scope, once it does not exist."""
    who = Principal(features=features, models=models)
    refusals = []
    for there_are in (FEATURES, ()):
        for models_there_are in (MODELS, ()):
            try:
                require_name(who, name, there_are, models_there_are)
            except NotAllowed as error:
                refusals.append(error.as_dict())
    assert all(one == refusals[0] for one in refusals)
    if (features, models) != (None, None):
        may = may_ask_feature(who, name) if name in FEATURES else may_ask_model(who, name)
        assert is_let_through(who, name) == (may and name != "nothing")


def test_a_tenant_is_one_of_the_keys() -> None:
    who = Principal(tenant="acme", tenants=frozenset({"acme", "globex"}))
    assert [tenant_of(who, named) for named in (None, "acme", "globex")] == ["acme", "acme", "globex"]
    for foreign in ("default", "initech", "Acme", "acme "):
        with pytest.raises(NotAllowed, match="tenant"):
            tenant_of(who, foreign)
    assert tenant_of(ANYBODY, "initech") == "initech"


def test_a_model_may_be_asked_for_vectors_where_it_may_be_asked() -> None:
    require_model(ANYBODY, "anything")
    require_model(Principal(models=frozenset({"small"})), "small")
    with pytest.raises(NotAllowed, match="large"):
        require_model(Principal(models=frozenset({"small"})), "large")


def test_groups_are_believed_of_a_program_only() -> None:
    assert groups_of(ANYBODY, ["staff"]) == ("staff",)
    bound = Principal(groups=("staff", "sales"))
    assert groups_of(bound, []) == ("staff", "sales")
    assert groups_of(bound, ["sales"]) == ("sales",)
    for who in (bound, Principal(user="ada")):
        with pytest.raises(NotAllowed, match="board"):
            groups_of(who, ["board"])


def test_what_is_seen_of_documents() -> None:
    assert scope_of(ANYBODY) == Scope("default")
    ada = Principal(tenant="acme", user="ada", groups=("staff",))
    assert scope_of(ada) == Scope("acme", frozenset({"user:ada", "group:staff"}))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_those_below_it_may(role: Role) -> None:
    for needed in ROLES:
        if ROLES.index(needed) <= ROLES.index(role):
            require_role(Principal(role=role), needed)
        else:
            with pytest.raises(NotAllowed, match=needed):
                require_role(Principal(role=role), needed)


def test_a_role_that_nobody_knows_may_nothing() -> None:
    with pytest.raises(NotAllowed):
        require_role(Principal(role="emperor"), "viewer")


def test_what_is_about_all_is_for_keys_without_a_scope() -> None:
    require_whole(ANYBODY)
    for who in (
        Principal(tenants=frozenset({"acme"})),
        Principal(user="ada"),
        Principal(models=frozenset()),
        Principal(features=frozenset()),
    ):
        with pytest.raises(NotAllowed):
            require_whole(who)


@pytest.mark.parametrize(
    ("who", "sight"),
    [
        pytest.param(ANYBODY, {}, id="anybody sees all money"),
        pytest.param(Principal(key="k", role="viewer"), {}, id="so does a key for all tenants"),
        pytest.param(
            Principal(tenant="a", tenants=frozenset({"a", "b"})), {"tenant": {"a", "b"}}, id="some tenants"
        ),
        pytest.param(
            Principal(tenants=frozenset({"a"}), user="ada"), {"tenant": {"a"}, "user": {"ada"}}, id="a user"
        ),
        pytest.param(Principal(key="k", features=frozenset({"f"})), {"key": {"k"}}, id="some features"),
        pytest.param(Principal(key="k", models=frozenset()), {"key": {"k"}}, id="no models"),
    ],
)
def test_whose_money_is_seen(who: Principal, sight: dict[str, set[str]]) -> None:
    assert sight_of(who) == sight
