"""Scope: who sees what."""

from buttress.kernel.scope import EVERYBODY, Scope


def test_everybody_is_always_among_those_who_see() -> None:
    assert Scope("acme").visible_to == [EVERYBODY]
    assert Scope("acme", frozenset({"user:b", "user:a"})).visible_to == [EVERYBODY, "user:a", "user:b"]
