"""What a `map` stage asks of a model: about one piece, and to merge what it said of several. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.kernel.messages import Message
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.cutting import PIECE
from buttress.prompts.errors import PromptTooLong
from buttress.prompts.marks import MarkedValue, MarkedValues, marked, neutralised
from buttress.prompts.packing import Window, fitting, tokens_of
from buttress.prompts.reading_types import Piece, Reading
from buttress.prompts.templates import render
from buttress.prompts.types import Prompt

PARTS = "parts"
"""The variable that holds the answers to be merged."""

PART = "part"
"""The name of their marks."""

PIECE_FIELDS = ("text", "title", "section", "place", "number")
PART_FIELDS = ("text", "place")
"""What a prompt may look up in a piece, and in an answer that is to be merged."""

LEAST_ROOM = 64
"""Tokens of a piece at least: with less room beside the prompt there is nothing to read with."""

_PLACE_TOKENS = 32


class Partial(msgspec.Struct, frozen=True):
    """An answer to some pieces that follow each other, from the `first` to the `last` of them."""

    text: str
    first: Piece
    last: Piece

    @property
    def place(self) -> str:
        """Where these pieces stand, for people."""
        if self.first.page is None and self.first.number != self.last.number:
            return f"parts {self.first.number}-{self.last.number}"
        return msgspec.structs.replace(self.first, page_end=self.last.page_end).place


class PieceValue(MarkedValue):
    """A piece, its fields by name; printed whole, it stands in its marks."""

    def __str__(self) -> str:
        return marked(PIECE, str(self["text"]))


class PartValue(MarkedValue):
    """An answer that is to be merged; printed whole, it stands in its marks."""

    def __str__(self) -> str:
        return marked(PART, str(self["text"]), **{"from": str(self["place"])})


def about_piece(
    prompt: Prompt, values: Mapping[str, object], reading: Reading, piece: Piece
) -> tuple[Message, ...]:
    """Return the messages that ask about one piece; raises as `templates.render`."""
    value = PieceValue(
        text=neutralised(PIECE, reading.text[piece.start : piece.end]),
        title=neutralised(PIECE, reading.title),
        section=neutralised(PIECE, " > ".join(piece.section)),
        place=piece.place,
        number=piece.number,
    )
    return render(prompt, {**values, PIECE: value})


def merging(prompt: Prompt, values: Mapping[str, object], partials: Sequence[Partial]) -> tuple[Message, ...]:
    """Return the messages that ask to merge `partials`; raises as `templates.render`."""
    shown = MarkedValues(PartValue(text=neutralised(PART, one.text), place=one.place) for one in partials)
    return render(prompt, {**values, PARTS: shown})


def room_for_piece(
    prompt: Prompt, values: Mapping[str, object], window: Window, counter: TokenCounter
) -> int:
    """Return how many tokens a piece may have beside the rest of its prompt.

    Raises:
        PromptTooLong: fewer than `LEAST_ROOM`.
        PromptUnrenderable: a value is missing or of the wrong type.
    """
    nothing = about_piece(prompt, values, Reading(text="", parts=()), Piece(number=1, start=0, end=0))
    return _room(nothing, window, counter) - _PLACE_TOKENS


def room_for_parts(
    prompt: Prompt, values: Mapping[str, object], window: Window, counter: TokenCounter
) -> int:
    """Return how many tokens the answers to be merged may have beside their prompt; raises as above."""
    return _room(merging(prompt, values, ()), window, counter)


def _room(messages: Sequence[Message], window: Window, counter: TokenCounter) -> int:
    taken = tokens_of(messages, counter)
    room = window.room_tokens - taken
    if room < LEAST_ROOM + _PLACE_TOKENS:
        raise PromptTooLong(
            f"the prompt takes {taken:,} of the {window.room_tokens:,} tokens that are free, and leaves less "
            f"than {LEAST_ROOM} for what is to be read",
            data={"tokens": taken, "room_tokens": window.room_tokens, "window_tokens": window.window_tokens},
        )
    return room


def part_tokens(partial: Partial, counter: TokenCounter) -> int:
    """Return how many tokens an answer takes among those that are to be merged."""
    return counter.count(str(PartValue(text=partial.text, place=partial.place))) + 2


class Grouped(msgspec.Struct, frozen=True):
    """Answers in the groups that are merged; `shortened` counts those that were cut, so that two fit."""

    groups: tuple[tuple[Partial, ...], ...]
    shortened: int = 0


def grouped(
    partials: Sequence[Partial], room_tokens: int, wanted_tokens: int, counter: TokenCounter
) -> Grouped:
    """Return neighbours together: two at least, more up to `wanted_tokens`, never beyond `room_tokens`.

    So each level of merging has at most half as many groups as the one before, rounded up. Where two do not
    fit, both are cut to half the room, at the end of a sentence.
    """
    half = room_tokens // 2
    fitting = [_shortened(one, half, counter) for one in partials]
    shortened = sum(one is not before for one, before in zip(fitting, partials, strict=True))
    groups: list[list[Partial]] = []
    used = 0
    for one in fitting:
        tokens = part_tokens(one, counter)
        limit = room_tokens if groups and len(groups[-1]) == 1 else min(room_tokens, wanted_tokens)
        if groups and used + tokens <= limit:
            groups[-1].append(one)
            used += tokens
        else:
            groups.append([one])
            used = tokens
    return Grouped(tuple(map(tuple, groups)), shortened)


def _shortened(partial: Partial, room_tokens: int, counter: TokenCounter) -> Partial:
    """Return an answer that fits: the beginning of this one, where it does not."""
    if part_tokens(partial, counter) <= room_tokens:
        return partial
    text, tokens = neutralised(PART, partial.text), room_tokens
    while True:  # what the marks take is known once it stands in them
        fit = msgspec.structs.replace(partial, text=fitting(text, tokens, counter))
        over = part_tokens(fit, counter) - room_tokens
        if over <= 0 or not fit.text:
            return fit
        tokens = max(0, tokens - over)
