"""From errors to statuses."""

import pytest

from buttress.kernel.errors import ButtressError
from buttress.models.errors import BadRequest, ModelTimeout, NoRungLeft, RefusedKey, RungFailure
from buttress.server import errors
from buttress.server.errors import STATUSES, Failed, as_error, headers_of, status_of


class _Later(ButtressError):
    code = "test_server.later"
    hint = "Wait."
    retryable = True


class _Never(ButtressError):
    code = "test_server.never"
    hint = "Give up."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(errors.BodyInvalid("x"), 400, id="in the table"),
        pytest.param(errors.Stopping("x"), 503, id="in the table, and retryable"),
        pytest.param(_Later("x"), 503, id="not in the table, but may work later"),
        pytest.param(_Never("x"), 500, id="not in the table, and will not work later"),
    ],
)
def test_an_error_has_a_status(error: ButtressError, status: int) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        pytest.param(_Never("x"), {b"x-should-retry": b"false"}, id="never"),
        pytest.param(_Later("x"), {b"x-should-retry": b"true"}, id="later"),
        pytest.param(
            _Later("x", data={"retry_after_s": 0.2}),
            {b"x-should-retry": b"true", b"retry-after": b"1"},
            id="later, in whole seconds",
        ),
        pytest.param(
            _Later("x", data={"retry_after_s": 60.5}),
            {b"x-should-retry": b"false", b"retry-after": b"61"},
            id="later than a client waits for",
        ),
        pytest.param(
            _Later("x", data={"trace_id": "tr_1"}),
            {
                b"x-should-retry": b"true",
                b"x-buttress-trace-id": b"tr_1",
                b"x-request-id": b"tr_1",
                b"request-id": b"tr_1",
            },
            id="of a call that has a trace",
        ),
        pytest.param(
            NoRungLeft([RungFailure("a", RefusedKey("x")), RungFailure("b", BadRequest("x"))]),
            {b"x-should-retry": b"false"},
            id="a ladder of which no model will ever answer",
        ),
        pytest.param(
            NoRungLeft([RungFailure("a", RefusedKey("x")), RungFailure("b", ModelTimeout("x"))]),
            {b"x-should-retry": b"true"},
            id="a ladder of which one may",
        ),
    ],
)
def test_an_error_says_whether_and_when_to_ask_again(
    error: ButtressError, headers: dict[bytes, bytes]
) -> None:
    assert dict(headers_of(error)) == headers


def test_every_code_in_the_table_is_one_of_ours() -> None:
    """A code that was renamed would silently become a 500."""
    known = {kind.code for kind in _all_kinds(ButtressError)}
    assert set(STATUSES) <= known, set(STATUSES) - known


def _all_kinds(kind: type[ButtressError]) -> set[type[ButtressError]]:
    below = set(kind.__subclasses__())
    return below.union(*(_all_kinds(one) for one in below))


def test_a_mistake_of_ours_shows_its_kind_and_nothing_of_what_it_saw() -> None:
    failed = as_error(KeyError("sk-secret"))
    assert isinstance(failed, Failed)
    assert "KeyError" in failed.message
    assert "secret" not in str(failed.as_dict())
