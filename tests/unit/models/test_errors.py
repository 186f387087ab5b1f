"""The errors of models, as users and programs see them."""

import msgspec
import pytest

from buttress.kernel.errors import ButtressError
from buttress.models import errors

ALL = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, ButtressError) and one is not ButtressError
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_code_of_its_own_and_a_hint(kind: type[ButtressError]) -> None:
    assert kind.code.startswith("models.")
    assert kind.hint.endswith(".")
    assert [one.code for one in ALL].count(kind.code) == 1


def test_no_rung_left_says_why_each_failed() -> None:
    failures = [
        errors.RungFailure("small", errors.ModelTimeout("no first token within 5 s")),
        errors.RungFailure("big", errors.RateLimited("answered 429", retry_after_s=9)),
    ]
    error = errors.NoRungLeft(failures)
    assert error.message == (
        "no model of the ladder answered: small: no first token within 5 s (models.timeout); "
        "big: answered 429 (models.rate_limited)"
    )
    assert msgspec.json.decode(msgspec.json.encode(error.as_dict())) == error.as_dict()
