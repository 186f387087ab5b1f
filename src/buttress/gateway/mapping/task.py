"""What is to be read, and with what."""

import asyncio

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.errors import DocumentUnknown, InputInvalid
from buttress.gateway.prompting import prompt_of, window_of
from buttress.gateway.types import Inspected
from buttress.kernel.tokens import TokenCounter
from buttress.models.counting import readers_of
from buttress.prompts.cutting import cut_reading, plain_reading
from buttress.prompts.errors import TooManyPieces
from buttress.prompts.merging import room_for_parts, room_for_piece
from buttress.prompts.reading_types import Piece, Reading
from buttress.prompts.types import Prompt
from buttress.releases.types import MapStage, Release

MAX_PIECES = 999
"""A marker (`[999]`) has no more digits."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A text in its pieces, and what asks about them. `seen_as` is who of the askers the text is open to."""

    release: Release
    stage: MapStage
    values: dict[str, object]
    reading: Reading
    pieces: tuple[Piece, ...]
    seen_as: tuple[str, ...]
    counter: TokenCounter
    merge_room_tokens: int

    @property
    def about_piece(self) -> Prompt:
        """The prompt for each piece."""
        return prompt_of(self.release, self.stage.prompt)

    @property
    def merging(self) -> Prompt:
        """The prompt that merges."""
        return prompt_of(self.release, self.stage.merge)


async def task_of(stage: MapStage, inspected: Inspected, call: Call) -> Task:
    """Return what `stage` is to read, cut.

    Raises:
        DocumentUnknown, DocumentAmbiguous: the document that the input names.
        InputInvalid: the input names none.
        PromptTooLong: the prompt leaves no room for what is to be read.
        TooManyPieces: it would take more than `MAX_PIECES`.
        ButtressError: the database is away.
    """
    release, values = inspected.chosen.release, dict(inspected.input)
    reading = await _reading(stage, inspected, call)
    models = readers_of(release.models_of(stage))
    counter = await call.ports.counter(models)
    window = window_of(models, stage.max_tokens)
    about, merge = (prompt_of(release, name) for name in (stage.prompt, stage.merge))
    room = min(stage.piece_tokens, room_for_piece(about, values, window, counter))
    # It takes the processor for as long as it takes to count all of the text.
    pieces = await asyncio.to_thread(cut_reading, reading, room, counter)
    if len(pieces) > MAX_PIECES:
        told = f"{len(pieces):,} pieces of {room:,} tokens; {MAX_PIECES} are read at most"
        raise TooManyPieces(told, data={"pieces": len(pieces), "piece_tokens": room})
    visible_to = inspected.chosen.admitted.scope.visible_to
    return Task(
        release=release,
        stage=stage,
        values=values,
        reading=reading,
        pieces=pieces,
        seen_as=tuple(one for one in visible_to if not reading.readers or one in reading.readers),
        counter=counter,
        merge_room_tokens=room_for_parts(merge, values, window, counter),
    )


async def _reading(stage: MapStage, inspected: Inspected, call: Call) -> Reading:
    given = inspected.input.get(stage.document or stage.text)
    if not isinstance(given, str):
        raise InputInvalid(f"{stage.document or stage.text}: a text is needed, to be read in pieces")
    if not stage.knowledge:
        return plain_reading(given)
    if call.ports.library is None:
        raise DocumentUnknown(f"{stage.knowledge} cannot be read here")
    scope = inspected.chosen.admitted.scope
    return await call.ports.library.reading(stage.knowledge, given, scope)
