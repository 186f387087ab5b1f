"""What comes of errors that look like those of any-llm and of the SDKs below it."""

from datetime import UTC, datetime
from importlib.util import find_spec

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.models import errors
from buttress.models.dialects.refusals import MAX_MESSAGE
from buttress.models.providers.longtail import LongtailProvider
from buttress.models.providers.longtail_faults import Asked, error_of
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import collect
from tests.unit.models.providers.asking import ask, http_parts

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "sk-made-up-secret"


class Heard(msgspec.Struct):
    """How far an answer has come."""

    began: bool = False

    def cut(self) -> errors.StreamCut:
        """Return the error of a stream that stopped."""
        return errors.StreamCut("it broke off")


def asked(*, began: bool = False) -> Asked:
    model = Model(name="big", provider="longtail", id="big-1")
    return Asked(model=model, provider="mistral", secret=SECRET, heard=Heard(began), now=NOW)


def named(name: str, message: str = "it failed", **told: object) -> Exception:
    """Return an error of a class `name` that carries what is `told`."""
    error: Exception = type(name, (Exception,), {})(message)
    for key, value in told.items():
        setattr(error, key, value)
    return error


def wrapped(name: str, original: Exception, **told: object) -> Exception:
    """Return an error of the library around one of an SDK."""
    return named(name, str(original), original_exception=original, **told)


class Response(msgspec.Struct, frozen=True):
    """What httpx calls a response."""

    status_code: int
    headers: dict[str, str] = {}


BOTOCORE = {
    "Error": {"Code": "ThrottlingException", "Message": "Too many requests"},
    "ResponseMetadata": {"HTTPStatusCode": 429, "HTTPHeaders": {"retry-after": "3"}},
}


@pytest.mark.parametrize(
    ("error", "expected", "part"),
    [
        pytest.param(
            wrapped("RateLimitError", named("SDKError", status_code=429, body='{"message": "slow down"}')),
            errors.RateLimited,
            "big answered 429: slow down",
            id="a status, and a body that is a text",
        ),
        pytest.param(
            wrapped("ProviderError", named("ApiError", status_code=503, body={"message": "later"})),
            errors.ModelUnavailable,
            "big answered 503: later",
            id="a status, and a body that is an object",
        ),
        pytest.param(
            wrapped("ProviderError", named("HttpResponseError", "no", response=Response(500))),
            errors.ModelUnavailable,
            "big answered 500: no",
            id="the status of a response",
        ),
        pytest.param(
            wrapped("RateLimitError", named("ClientError", response=BOTOCORE)),
            errors.RateLimited,
            "big answered 429: Too many requests",
            id="a dictionary, as botocore has it",
        ),
        pytest.param(
            wrapped("ContextLengthExceededError", named("Odd", "too long")),
            errors.WindowExceeded,
            "too long",
            id="a class without a status",
        ),
        pytest.param(
            named("MissingApiKeyError", "No cohere API key provided"),
            errors.RefusedKey,
            "big has no key: No cohere",
            id="no key",
        ),
        pytest.param(
            named("UnsupportedParameterError", "'seed' is not supported"),
            errors.Untranslatable,
            "'seed' is not supported",
            id="what it cannot be asked for",
        ),
        pytest.param(
            wrapped("ProviderError", named("NoRegionError", "You must specify a region.")),
            errors.BadRequest,
            "cannot be asked: You must specify a region.",
            id="no region",
        ),
        pytest.param(
            wrapped("ProviderError", named("JSONDecodeError", "no JSON")),
            errors.BadAnswer,
            "no JSON",
            id="no JSON",
        ),
        pytest.param(
            wrapped("ProviderError", named("Strange", "whatever")),
            errors.ModelUnavailable,
            "big by way of mistral failed: whatever",
            id="anything else",
        ),
        pytest.param(
            ModuleNotFoundError("No module named 'any_llm'", name="any_llm"),
            errors.LongtailMissing,
            "any-llm, which is not installed",
            id="no library",
        ),
        pytest.param(
            ImportError("mistral required packages are not installed"),
            errors.LongtailMissing,
            "the SDK of mistral, which is not installed",
            id="no SDK",
        ),
    ],
)
def test_what_an_error_means(error: Exception, expected: type[ButtressError], part: str) -> None:
    found = error_of(error, asked())
    assert type(found) is expected
    assert isinstance(found, ButtressError)
    assert part in found.message


def test_the_wait_that_is_asked_for_is_kept() -> None:
    headers = {"Retry-After": "7"}
    error = wrapped("RateLimitError", named("E", response=Response(429, headers)))
    found = error_of(error, asked())
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after_s == 7
    throttled = error_of(wrapped("RateLimitError", named("ClientError", response=BOTOCORE)), asked())
    assert isinstance(throttled, errors.RateLimited)
    assert throttled.retry_after_s == 3


def test_where_no_connection_came_about_nothing_was_used() -> None:
    cause = named("ConnectError", "refused")
    error = named("APIConnectionError", "Connection error.")
    error.__cause__ = cause
    found = error_of(wrapped("ProviderError", error), asked())
    assert isinstance(found, errors.ModelUnavailable)
    assert not found.may_have_worked


def test_where_no_connection_came_about_clients_are_not_told_the_address() -> None:
    error = named("EndpointConnectionError", "Could not connect to https://bedrock.internal:8443")
    found = error_of(wrapped("ProviderError", error), asked())
    assert isinstance(found, ButtressError)
    assert found.message == "big by way of mistral could not be reached"


class TestInTheMiddleOfAnAnswer:
    """What an error means once something came."""

    def test_a_connection_that_breaks_is_a_cut(self) -> None:
        error = wrapped("ProviderError", named("RemoteProtocolError", "closed"))
        assert isinstance(error_of(error, asked(began=True)), errors.StreamCut)

    @pytest.mark.parametrize(
        "told",
        [
            pytest.param({"body": {"type": "overloaded_error", "message": "busy"}}, id="without a status"),
            pytest.param(
                {"body": {"error": {"type": "overloaded_error", "message": "busy"}}, "status_code": 200},
                id="with the status of the stream",
            ),
        ],
    )
    def test_an_error_object_says_what_it_is(self, told: dict[str, object]) -> None:
        error = wrapped("ProviderError", named("APIError", "busy", **told))
        found = error_of(error, asked(began=True))
        assert isinstance(found, errors.ModelUnavailable)
        assert found.is_overloaded


@pytest.mark.skipif(find_spec("any_llm") is not None, reason="any-llm is installed here")
async def test_without_the_library_who_asks_hears_what_to_install() -> None:
    model = Model(name="big", provider="longtail", id="mistral:mistral-small-latest")
    parts = http_parts(Sessions(OutboundSettings()))
    with pytest.raises(errors.LongtailMissing) as raised:
        await collect(LongtailProvider(model, parts), ask())
    assert "pip install 'buttress[longtail]'" in raised.value.hint


def test_no_message_holds_the_secret() -> None:
    found = error_of(wrapped("ProviderError", named("Odd", f"bad key {SECRET}")), asked())
    assert isinstance(found, ButtressError)
    assert SECRET not in str(found)
    assert "***" in found.message


@pytest.mark.parametrize("before", range(MAX_MESSAGE - len(SECRET) - 2, MAX_MESSAGE + 1, 3))
@pytest.mark.parametrize(
    "told",
    [
        pytest.param({}, id="in its words"),
        pytest.param({"status_code": 400}, id="beside a status"),
        pytest.param({"body": {"message": "BODY"}}, id="in the body of an error in a stream"),
        pytest.param({"status_code": 400, "body": {"message": "BODY"}}, id="in the body of a refusal"),
    ],
)
def test_a_key_that_stands_where_a_message_is_cut_is_not_told_in_part(
    told: dict[str, object], before: int
) -> None:
    words = "x" * before + SECRET
    body = {"body": {"message": words}} if "body" in told else {}
    found = error_of(wrapped("ProviderError", named("Odd", words, **told | body)), asked())
    assert isinstance(found, ButtressError)
    assert SECRET[:6] not in found.message


@pytest.mark.parametrize("error", [errors.StreamCut("ours"), KeyboardInterrupt()], ids=["ours", "no fault"])
def test_what_is_no_fault_of_theirs_stays_as_it_is(error: BaseException) -> None:
    assert error_of(error, asked()) is error
