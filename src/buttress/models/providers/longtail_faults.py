"""What an error means that comes out of any-llm, or of the SDK below it. Pure; needs neither of them.

The SDKs raise what they like. What is common to them stands in a few places: a status and a body on the error
itself or on its `response`, a name, and a chain of causes that ends at the connection.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.models.dialects.refusals import (
    error_in_stream,
    error_of_response,
    one_line,
    read_refusal,
    retry_after,
)
from buttress.models.errors import (
    BadAnswer,
    BadRequest,
    LongtailMissing,
    ModelUnavailable,
    RefusedKey,
    StreamCut,
    Untranslatable,
)

_STATUSES = {
    "AuthenticationError": 401,
    "InsufficientFundsError": 402,
    "ModelNotFoundError": 404,
    "ContextLengthExceededError": 413,
    "ContentFilterError": 400,
    "InvalidRequestError": 400,
    "RateLimitError": 429,
    "GatewayTimeoutError": 504,
}
"""What a class of any-llm stands for, where its error has no status."""

_NOT_REACHED = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "ConnectTimeoutError", "ConnectionRefusedError", "gaierror"),
        *("EndpointConnectionError", "ClientConnectorError", "NewConnectionError", "NameResolutionError"),
    }
)
"""Errors below which nothing was sent."""

_NO_JSON = frozenset({"JSONDecodeError", "ValidationError", "ResponseValidationError"})


class Heard(Protocol):
    """How far an answer has come."""

    @property
    def began(self) -> bool:
        """Whether anything was read yet."""
        ...

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before its end."""
        ...


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked, with which secret, and how far the answer has come, now."""

    model: Model
    provider: str
    secret: str
    heard: Heard
    now: datetime


def error_of(error: BaseException, asked: Asked) -> BaseException:
    """Return what `error` of the library means; an error of ours, and what is no fault, as it is."""
    if isinstance(error, ButtressError) or not isinstance(error, Exception):
        return error
    return _missing(error, asked) or _refused(error, asked) or _broken(error, asked)


def _missing(error: Exception, asked: Asked) -> ButtressError | None:
    """Return the error of a package that is not installed, or of a provider that the library has not."""
    name = asked.model.name
    if isinstance(error, ModuleNotFoundError) and error.name == "any_llm":
        return LongtailMissing(f"{name} needs any-llm, which is not installed")
    if isinstance(error, ImportError):
        hint = f"Run: pip install 'any-llm-sdk[{asked.provider}]', or put another model on the ladder."
        return LongtailMissing(f"{name} needs the SDK of {asked.provider}, which is not installed", hint=hint)
    match type(error).__name__:
        case "UnsupportedProviderError":
            return BadRequest(f"{name}: any-llm knows no provider `{asked.provider}`")
        case "MissingApiKeyError":
            hint = "Add `key:` to the model, or give its SDK what it looks for by itself."
            return RefusedKey(f"{name} has no key: {said_by(error, asked.secret)}", hint=hint)
        case "UnsupportedParameterError" | "NotImplementedError":
            return Untranslatable(f"{name} cannot be asked for that: {said_by(error, asked.secret)}")
        case _:
            return None


def _refused(error: Exception, asked: Asked) -> ButtressError | None:
    """Return the error that a status, or a word for one, stands for; None where there is neither."""
    told = _told(getattr(error, "original_exception", None) or error)
    status = told.status
    if status is None or status < 300:
        if isinstance(told.body, Mapping) and told.body:
            return error_in_stream(asked.model, told.body.get("error", told.body), asked.secret)
        status = _STATUSES.get(type(error).__name__)
    if status is None:
        return None
    body = told.body if isinstance(told.body, str) else msgspec.json.encode(told.body, enc_hook=str).decode()
    refusal = read_refusal(
        status,
        (body if told.body else said_by(error, asked.secret)).encode(),
        secret=asked.secret,
        retry_after_s=retry_after(told.headers, asked.now),
    )
    return error_of_response(asked.model, refusal)


def _broken(error: Exception, asked: Asked) -> ButtressError:
    """Return what it means that there was no answer, or no good end of one."""
    names = {type(one).__name__ for one in _causes(error)}
    said = f"{asked.model.name} by way of {asked.provider}"
    if names & _NO_JSON:
        return BadAnswer(f"{said} did not answer as it should: {said_by(error, asked.secret)}")
    if asked.heard.began:
        return asked.heard.cut()
    if names & _NOT_REACHED:
        return ModelUnavailable(f"{said} could not be reached", may_have_worked=False)
    if names & {"ValueError", "TypeError", "NoRegionError", "NoCredentialsError", "ProfileNotFound"}:
        return BadRequest(f"{said} cannot be asked: {said_by(error, asked.secret)}")
    return ModelUnavailable(f"{said} failed: {said_by(error, asked.secret)}")


class _Told(msgspec.Struct, frozen=True):
    """What an error of an SDK tells of the answer that it stands for."""

    status: int | None
    body: object
    headers: Mapping[str, str]


def _told(error: object) -> _Told:
    """Return what stands on `error` itself or on its `response`; botocore's is a dictionary."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        about, said = response.get("ResponseMetadata", {}), response.get("Error", {})
        body = {"message": said.get("Message"), "code": said.get("Code")}
        return _Told(about.get("HTTPStatusCode"), body, about.get("HTTPHeaders", {}))
    places = [(error, "status_code"), (response, "status_code"), (error, "code"), (response, "status")]
    values = [getattr(holder, name, None) for holder, name in places]
    headers = getattr(error, "headers", None) or getattr(response, "headers", None) or {}
    return _Told(
        status=next((one for one in values if isinstance(one, int)), None),
        body=getattr(error, "body", None) or getattr(error, "details", None),
        headers={str(name).lower(): str(value) for name, value in dict(headers).items()},
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield `error` and what it came of; the library keeps what it wrapped on the error itself."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        original = getattr(error, "original_exception", None)
        error = original or error.__cause__ or error.__context__


def said_by(error: BaseException, secret: str) -> str:
    """Return what `error` says on one line, not too long, without `secret`."""
    return one_line(str(getattr(error, "message", "") or error), secret)
