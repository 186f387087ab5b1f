"""Inspect: whether the input is what the feature takes. Redaction and injection come later."""

from functools import lru_cache

import jsonschema_rs
import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import InputInvalid
from buttress.gateway.types import Chosen, Inspected
from buttress.releases.inputs import complete_input
from buttress.releases.types import Release, RetrieveStage

SHOWN_CHARACTERS = 80
"""A wrong value is repeated up to here: the reason behind it is what helps."""

_VALUE = "\0"
"""Stands for the value in the validator's messages; nothing else in them can be it."""

MAX_DEPTH = 100
"""An input that nests deeper is refused: who reads it later (a template, the spool) recurses, too."""


async def inspect(chosen: Chosen, call: Call) -> Inspected:
    """Return the input once it fits the release's schema, with what the schema lets be left out filled in.

    Raises:
        InputInvalid: it does not; names the first property that is wrong.
    """
    with call.recorder.span("inspect"):
        given = _as_json(chosen.admitted.asked.input)
        schema = msgspec.json.encode(chosen.release.input_schema).decode()
        error = next(iter(_validator(schema).iter_errors(given)), None)
        if error is not None:
            hint = "Say it in fewer words." if error.schema_path[-1:] == ["maxLength"] else None
            raise InputInvalid(_said(error), hint=hint, data={"feature": chosen.release.feature})
        _require_words(chosen.release, given)
        return Inspected(chosen, complete_input(chosen.release.input_schema, given))


def _said(error: jsonschema_rs.ValidationError) -> str:
    """Return which property is wrong and why; of its value no more than the beginning."""
    where = ".".join(str(part) for part in error.instance_path) or "the input"
    value = msgspec.json.encode(error.instance).decode()
    shown = value if len(value) <= SHOWN_CHARACTERS else f"{value[:SHOWN_CHARACTERS]}…"
    return f"{where}: {error.message[:500].replace(_VALUE, shown)}"


def _require_words(release: Release, given: dict[str, object]) -> None:
    """Go on unless documents are to be searched for a question without a word.

    Raises:
        InputInvalid: the question holds neither a letter nor a digit.
    """
    is_searched = any(isinstance(stage, RetrieveStage) for stage in release.stages)
    if release.chat is None or not is_searched:
        return
    name = release.chat.question
    question = given.get(name)
    if isinstance(question, str) and not any(map(str.isalnum, question)):
        message = f"{name}: there is neither a letter nor a digit in it"
        raise InputInvalid(message, hint="Ask with at least one word.", data={"feature": release.feature})


def _as_json(given: dict[str, object]) -> dict[str, object]:
    """Return the input as it is once it was JSON, so that every step sees what the trace tells."""
    try:
        plain = msgspec.json.decode(msgspec.json.encode(given), type=dict[str, object])
    except (TypeError, ValueError, RecursionError) as error:
        raise InputInvalid(f"the input is no JSON: {error}") from error
    if _is_deeper(plain, MAX_DEPTH):
        raise InputInvalid(f"the input nests deeper than {MAX_DEPTH} levels")
    return plain


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema), mask=_VALUE)
