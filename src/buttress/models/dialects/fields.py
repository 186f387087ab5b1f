"""The fields of a client's request, decoded one by one; whoever sent it is told which one is wrong. Pure."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TypeVar

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.models.dialects.encoding import encode
from buttress.models.errors import RequestInvalid, Untranslatable

T = TypeVar("T")
_SHOWN = 200
_MAX_NAMES, _MAX_NAME = 32, 40
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


def read_fields(data: bytes, hint: str) -> dict[str, msgspec.Raw]:
    """Return the fields of a request, each as it came; of one that is given twice the last.

    Raises:
        RequestInvalid: it is no JSON object; `hint` shows one.
    """
    try:
        return _FIELDS.decode(data.decode())
    except RecursionError as error:
        raise RequestInvalid("the body is nested too deeply", hint=hint) from error
    except UNDECODABLE as error:
        raise RequestInvalid(f"the body is no JSON object: {error}", hint=hint) from error


def model_in(fields: Mapping[str, msgspec.Raw], hint: str) -> str:
    """Return the name of the model that a request asks.

    Raises:
        RequestInvalid: there is none, or it is no text.
    """
    model = field(fields, "model", _TEXT)
    if not model:
        raise RequestInvalid("model: missing", hint=hint, data={"param": "model"})
    return model


def with_model(fields: Mapping[str, msgspec.Raw], model: Model) -> dict[str, msgspec.Raw]:
    """Return the fields of a request with the name put in by which its upstream knows `model`."""
    return {**fields, "model": msgspec.Raw(encode(model.id or model.name))}


def field(fields: Mapping[str, msgspec.Raw], name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return what field `name` holds, None where it is missing or null.

    Raises:
        RequestInvalid: it is of another type, or out of bounds; names the place within the field.
    """
    raw = fields.get(name)
    if raw is None or is_null(raw):
        return None
    try:
        return decoder.decode(raw)
    except RecursionError as error:
        raise wrong(name, "nested too deeply") from error
    except UNDECODABLE as error:
        told, _, place = str(error).partition(" - at `$")
        raise wrong(name + place.rstrip("`"), told[:_SHOWN]) from error


def is_null(raw: msgspec.Raw) -> bool:
    """Say whether a field is null, which is to be as good as missing."""
    return memoryview(raw).nbytes == 4 and bytes(raw) == b"null"  # not a copy of all of it to see that


def wrong(param: str, why: str) -> RequestInvalid:
    """Return the error of a request whose field `param` is not what it must be."""
    return RequestInvalid(f"{param}: {why}", data={"param": param})


def no_word(param: str, what: str, hint: str | None = None) -> Untranslatable:
    """Return the error of a request whose field `param` asks for `what` only this dialect has a word for."""
    told = f"{param}: {what} cannot be had from a model of another API"
    return Untranslatable(told, data={"param": param}, hint=hint)


def as_header(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that a client made up, fit to stand in a header: at most 32, of plain characters, cut."""
    return tuple(_UNFIT.sub("?", name[:_MAX_NAME]) for name in islice(names, _MAX_NAMES))
