"""Proofs of thinking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.dialects.signatures import is_marked, mark, unmark


@given(st.text())
def test_what_was_marked_comes_back_as_it_was(signature: str) -> None:
    assert unmark(mark(signature)) == signature
    assert is_marked(mark(signature))


@pytest.mark.parametrize("signature", ["", "EqQBCgIYAhIM1gbcDa9GJwZA", "gemini", "other#abc"])
def test_the_proof_of_another_provider_is_not_sent_to_gemini(signature: str) -> None:
    assert unmark(signature) == ""
    assert not is_marked(signature)
