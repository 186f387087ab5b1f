"""Scope: who sees what."""

from buttress.kernel.scope import EVERYBODY, Scope, scope_for


def test_everybody_is_always_among_those_who_see() -> None:
    assert Scope("acme").visible_to == [EVERYBODY]
    assert Scope("acme", frozenset({"user:b", "user:a"})).visible_to == [EVERYBODY, "user:a", "user:b"]


def test_users_and_groups_are_named_apart() -> None:
    assert scope_for("acme", "sales", ["sales", "sales"]).visible_to == [
        EVERYBODY,
        "group:sales",
        "user:sales",
    ]
    assert scope_for("acme", None, []) == scope_for("acme", "", ()) == Scope("acme")
