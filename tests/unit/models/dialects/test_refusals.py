"""What status codes and error objects mean."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.models import errors
from buttress.models.dialects.refusals import (
    MAX_MESSAGE,
    Refusal,
    error_in_stream,
    error_of_response,
    read_refusal,
    retry_after,
)

MODEL = Model(name="big", provider="openai")
NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, errors.BadAnswer),
        (400, errors.BadRequest),
        (401, errors.RefusedKey),
        (402, errors.RefusedKey),
        (403, errors.RefusedKey),
        (404, errors.BadRequest),
        (408, errors.ModelUnavailable),
        (413, errors.WindowExceeded),
        (422, errors.BadRequest),
        (429, errors.RateLimited),
        (500, errors.ModelUnavailable),
        (529, errors.ModelUnavailable),
    ],
)
def test_a_status_has_its_error(status: int, kind: type[ButtressError]) -> None:
    error = error_of_response(MODEL, Refusal(status=status, message="because"))
    assert type(error) is kind
    assert error.message == f"big answered {status}: because"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param("overloaded", errors.ModelUnavailable, id="only a text"),
        pytest.param({"code": 503, "message": "busy"}, errors.ModelUnavailable, id="a status as code"),
        pytest.param({"code": 429}, errors.RateLimited, id="429 as code"),
        pytest.param({"type": "rate_limit_error"}, errors.RateLimited, id="a rate limit by type"),
        pytest.param({"type": "invalid_request_error"}, errors.BadRequest, id="a bad request by type"),
        pytest.param(
            {"type": "exceed_context_size_error", "code": 400}, errors.WindowExceeded, id="llama.cpp"
        ),
        pytest.param({"status": "RESOURCE_EXHAUSTED"}, errors.RateLimited, id="a rate limit at Google"),
        pytest.param({"status": "UNAVAILABLE"}, errors.ModelUnavailable, id="overloaded at Google"),
        pytest.param({}, errors.ModelUnavailable, id="an empty object"),
        pytest.param([1], errors.ModelUnavailable, id="a list"),
    ],
)
def test_an_error_object_in_a_stream_has_its_error(error: object, kind: type[ButtressError]) -> None:
    assert type(error_in_stream(MODEL, error)) is kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"error": {"message": "no such model"}}', "no such model", id="OpenAI's form"),
        pytest.param(b'{"error": "no"}', "no", id="only a text"),
        pytest.param(b'{"detail": "not found"}', "not found", id="FastAPI's form"),
        pytest.param(b"<html>Bad\tGateway</html>", "<html>Bad Gateway</html>", id="a page"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no text at all"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"{" * 100_000, "{" * (MAX_MESSAGE - 1) + "…", id="nested beyond all measure"),
    ],
)
def test_what_a_refused_request_was_told(body: bytes, message: str) -> None:
    assert read_refusal(400, body, secret="", retry_after_s=None).message == message


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param("no answer of 10.0.0.5", "no answer of ***", id="an address"),
        pytest.param("GET http://10.0.0.5:8080/v1?a=b failed", "GET *** failed", id="a URL, with all of it"),
        pytest.param("[fd00::1]:443 is down", "*** is down", id="IPv6"),
        pytest.param("localhost:8000 is down", "*** is down", id="the machine itself"),
        pytest.param("vllm-0.vllm.prod.svc.cluster.local: no", "***: no", id="a name within a cluster"),
        pytest.param("<a>gpu.internal</a>", "<a>***</a>", id="in a page"),
        pytest.param(
            "see https://platform.openai.com/docs", "see https://platform.openai.com/docs", id="public"
        ),
        pytest.param("gpt-4.1 takes 0.5 to 1.5", "gpt-4.1 takes 0.5 to 1.5", id="numbers"),
        pytest.param("a." * 5_000, "a." * 149 + "a…", id="nearly a name, for long"),
    ],
)
def test_no_address_within_a_network_is_told(told: str, shown: str) -> None:
    body = msgspec.json.encode({"error": {"message": told}})
    assert read_refusal(502, body, secret="", retry_after_s=None).message == shown


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2_000), st.sampled_from(["sk-1", "sk-secret-99"]))
def test_a_message_is_one_short_line_without_the_secret(body: bytes, secret: str) -> None:
    message = read_refusal(401, body + secret.encode() + body, secret=secret, retry_after_s=None).message
    assert secret not in message
    assert len(message) <= MAX_MESSAGE
    assert message.isprintable()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="not told"),
        pytest.param({"retry-after": "3"}, 3.0, id="seconds"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="a fraction"),
        pytest.param({"retry-after-ms": "250", "retry-after": "3"}, 0.25, id="milliseconds win"),
        pytest.param({"retry-after": "Fri, 02 Jan 2026 12:00:30 GMT"}, 30.0, id="a date"),
        pytest.param({"retry-after": "Fri, 02 Jan 2026 11:00:00 GMT"}, 0.0, id="a date that is over"),
        pytest.param({"retry-after": "-5"}, 0.0, id="below nought"),
        pytest.param({"retry-after": "soon"}, None, id="no time at all"),
        pytest.param(
            {"retry-after": f"Fri, 02 Jan 2026 {10**20}:00:00 GMT"}, None, id="a date of a number without end"
        ),
        pytest.param({"retry-after": "inf"}, None, id="for ever is no time"),
        pytest.param({"retry-after": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": ""}, None, id="empty"),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def google(status: str, message: str, *details: object) -> bytes:
    """Return a refusal in Google's words."""
    return msgspec.json.encode(
        {"error": {"code": 0, "message": message, "status": status, "details": details}}
    )


def info(reason: str) -> dict[str, object]:
    """Return a detail that says why."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}


def delay(told: object) -> dict[str, object]:
    """Return a detail that says how long to wait."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": told}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(429, google("RESOURCE_EXHAUSTED", "quota"), errors.RateLimited, id="a limit"),
        pytest.param(
            400,
            google("INVALID_ARGUMENT", "API key not valid.", info("API_KEY_INVALID")),
            errors.RefusedKey,
            id="a wrong key is a wrong key, though they say 400",
        ),
        pytest.param(
            403,
            google("PERMISSION_DENIED", "no billing", info("BILLING_DISABLED")),
            errors.RefusedKey,
            id="money",
        ),
        pytest.param(
            400,
            google(
                "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            ),
            errors.WindowExceeded,
            id="the window",
        ),
        pytest.param(
            400, google("INVALID_ARGUMENT", "Unknown name"), errors.BadRequest, id="a field that there is not"
        ),
        pytest.param(503, google("UNAVAILABLE", "overloaded"), errors.ModelUnavailable, id="overloaded"),
        pytest.param(404, google("NOT_FOUND", "no model"), errors.BadRequest, id="no such model"),
        pytest.param(
            429, b"[" + google("RESOURCE_EXHAUSTED", "quota") + b"]", errors.RateLimited, id="in a list"
        ),
    ],
)
def test_what_google_refuses_with(status: int, body: bytes, kind: type[ButtressError]) -> None:
    refusal = read_refusal(status, body, secret="", retry_after_s=None)
    assert refusal.message
    assert type(error_of_response(MODEL, refusal)) is kind


@pytest.mark.parametrize(
    ("details", "header", "seconds"),
    [
        pytest.param([delay("34s")], None, 34.0, id="seconds"),
        pytest.param([info("X"), delay("0.5s")], None, 0.5, id="a fraction, after other details"),
        pytest.param([delay("34s")], 3.0, 3.0, id="the header wins"),
        pytest.param([delay("soon")], None, None, id="no time at all"),
        pytest.param([delay(34)], None, 34.0, id="a number"),
        pytest.param([delay("-1s")], None, 0.0, id="below nought"),
        pytest.param(["no object", 3], None, None, id="details that are none"),
        pytest.param([], None, None, id="not told"),
    ],
)
def test_how_long_google_asks_to_wait(
    details: list[object], header: float | None, seconds: float | None
) -> None:
    body = google("RESOURCE_EXHAUSTED", "quota", *details)
    error = error_of_response(MODEL, read_refusal(429, body, secret="", retry_after_s=header))
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after_s == seconds


def test_a_limit_in_the_middle_of_a_stream_says_how_long_to_wait() -> None:
    error = error_in_stream(MODEL, {"status": "RESOURCE_EXHAUSTED", "details": [delay("7s")]})
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after_s == 7.0
