"""Every error there is: a stable code, a hint that says what to do, a status and an exit code."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import buttress
from buttress.cli.failures import MEANINGS, exit_code
from buttress.kernel.errors import ButtressError
from buttress.server.errors import STATUSES, status_of

CODE = re.compile(r"[a-z]+(\.[a-z0-9_]+)+")


def every_error() -> list[type[ButtressError]]:
    """Import the whole package and return each of its error classes."""
    for module in pkgutil.walk_packages(buttress.__path__, "buttress."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted({*below(ButtressError)}, key=lambda error: error.__name__)


def below(error: type[ButtressError]) -> Iterator[type[ButtressError]]:
    """Yield the classes below `error` that are ours and have a code of their own."""
    for child in error.__subclasses__():
        if child.__module__.startswith("buttress.") and "code" in vars(child):
            yield child
        yield from below(child)


ERRORS = every_error()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error.code))
def test_an_error_can_be_acted_upon(error: type[ButtressError]) -> None:
    assert CODE.fullmatch(error.code)
    assert error.hint.endswith((".", "?")) or "buttress" in error.hint, error.hint
    assert error.__doc__


def test_codes_are_unique() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))
    assert len(codes) > 40


def test_the_table_of_statuses_names_only_codes_that_exist() -> None:
    assert set(STATUSES) <= {error.code for error in ERRORS}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error.code))
def test_every_error_has_a_status_and_an_exit_code(error: type[ButtressError]) -> None:
    instance = error.__new__(
        error
    )  # the classes take different arguments; code and retryable are of the class
    assert 400 <= status_of(instance) <= 599
    assert exit_code(instance) in MEANINGS
