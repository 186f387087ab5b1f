"""What a child may be called."""

import pytest

from buttress.processes.types import ChildSpec


@pytest.mark.parametrize("name", ["engine", "calls-12", "a"])
def test_names_that_are_fine(name: str) -> None:
    """They become file names."""
    assert ChildSpec(name=name, command=("true",)).name == name


@pytest.mark.parametrize("name", ["", "supervisor", "../x", "Engine", "1", "a b", "a.b", "x" * 50])
def test_names_that_are_refused(name: str) -> None:
    """They would not be file names, or be taken."""
    with pytest.raises(ValueError, match="cannot be the name"):
        ChildSpec(name=name, command=("true",))
