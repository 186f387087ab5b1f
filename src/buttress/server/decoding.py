"""From the bytes of a request to what it says; and what is wrong with them, for people. Pure."""

import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from buttress.kernel.errors import UNDECODABLE
from buttress.server.errors import BodyInvalid, QueryInvalid

T = TypeVar("T")

MAX_PARAMETERS = 10
"""A query with more of them is none of ours."""

_ESCAPES = re.compile(
    rb"""
      \\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}  # a whole pair
    | (?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2})
    | \\.
    """,
    re.VERBOSE,
)


def parsed(body: bytes, kind: type[T], *, hint: str | None = None) -> T:
    """Return the JSON in `body`.

    Raises:
        BodyInvalid: it is none of that kind; names the field, or the byte.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except UNDECODABLE as error:
        raise BodyInvalid(_what_is_wrong(body, error), hint=hint) from error


def queried(query: bytes, kind: type[T], *, hint: str | None = None) -> T:
    """Return the parameters in `query`; of one that stands there twice the last.

    Raises:
        QueryInvalid: they are none of that kind; names the parameter.
    """
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        return msgspec.convert(dict(pairs), kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise QueryInvalid(str(error), hint=hint) from error


def _what_is_wrong(body: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    try:
        body.decode()  # msgspec counts from the beginning of the text that is wrong
    except UnicodeDecodeError as wrong:
        return f"the body is not UTF-8: it goes wrong at byte {wrong.start:,}"
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    halves = (found for found in _ESCAPES.finditer(body) if found["half"])
    if half := next(halves, None):
        text = half["half"].decode()
        return f"the body holds half a surrogate pair, {text}, at byte {half.start():,}"
    said = str(error)
    return (
        f"the body ends in the middle of its JSON, after {len(body):,} bytes" if "truncated" in said else said
    )
