"""Which answers may be given again: whole ones that ended well, of the model that was meant. Pure."""

from collections.abc import Collection, Mapping

import msgspec

from buttress.kernel.messages import FinishReason


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer ended.

    `is_answered`: it is what was asked for, no fallback. `finish` is why the model stopped; None where it was
    not heard to the end, since its sentence was withheld and quotes went on. `spoke` are the models that did,
    `meant` those of the ladder's first step. `failed`: some attempt did. `is_degraded`: a stage of the search
    was skipped.
    """

    is_answered: bool
    text: str
    finish: FinishReason | None
    spoke: Collection[str]
    meant: Collection[str]
    failed: bool = False
    is_degraded: bool = False


def why_not_kept(ending: Ending) -> str | None:
    """Return why an answer must not be given again, in a word for the trace; None when it may be."""
    if not ending.is_answered:
        return "fallback"
    if not ending.text.strip():
        return "empty"
    if ending.finish not in {None, "stop"}:
        return f"finished:{ending.finish}"
    if ending.failed or not set(ending.spoke) <= set(ending.meant):
        return "other_model"
    return "degraded" if ending.is_degraded else None


class ModelEnding(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer of a model that was asked by its name ended; `fields` is what it was asked with."""

    finish: FinishReason | None
    fields: Mapping[str, object]
    failed: bool = False
    sampled: bool = False


def why_not_kept_of_model(ending: ModelEnding) -> str | None:
    """Return why a model's answer must not be given again; None when it may be.

    It must have come to its end, of the first model asked, at a temperature of 0 unless the model's entry
    allows `sampled` answers (a request that names no temperature gets the upstream's, which is not 0).
    Several answers at once (`n`) are asked for their differences, and a tool call is done anew each time
    it is wished for, under an id of its own: neither is kept.
    """
    if ending.failed:
        return "other_model"
    if ending.finish != "stop":
        return f"finished:{ending.finish}"
    return why_not_drawn(ending.fields, sampled=ending.sampled)


def why_not_drawn(fields: Mapping[str, object], *, sampled: bool) -> str | None:
    """Return why one answer to `fields` must not be given for another one, whatever it says; see above."""
    temperature, several = fields.get("temperature"), fields.get("n")
    if several is not None and several != 1:
        return "several"
    return None if sampled or temperature == 0 else "sampled"
