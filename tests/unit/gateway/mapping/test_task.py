"""What is to be read: cut for the smallest window of the ladder, and no more pieces than can be numbered."""

import msgspec
import pytest

from buttress.gateway.errors import InputInvalid
from buttress.gateway.mapping.task import MAX_PIECES, task_of
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.errors import TooManyPieces
from buttress.prompts.merging import about_piece
from buttress.prompts.packing import tokens_of
from buttress.releases.types import MapStage
from tests.unit.gateway.reading import STAGE, a_reader
from tests.unit.gateway.world import World, a_call, a_model, inspected

TEXT = msgspec.structs.replace(STAGE, knowledge="", document="", text="text", piece_tokens=10_000)


async def test_a_piece_and_its_prompt_fit_the_smallest_window(bare: World) -> None:
    small = msgspec.structs.replace(a_model("http://127.0.0.1:1/v1", "small"), window_tokens=700)
    release = a_reader("http://127.0.0.1:1/v1", TEXT, more=(small,))
    given = {"question": "What?", "text": "Some words stand here. " * 2_000}
    task = await task_of(TEXT, inspected(release, given), a_call(bare.ports))
    counter = EstimatedTokens()
    for piece in task.pieces:
        messages = about_piece(task.about_piece, task.values, task.reading, piece)
        assert tokens_of(messages, counter) + TEXT.max_tokens <= 700
    assert len(task.pieces) > 10


async def test_more_pieces_than_can_be_numbered_are_refused(bare: World) -> None:
    small: MapStage = msgspec.structs.replace(TEXT, piece_tokens=64)
    given = {"question": "What?", "text": "Some words stand here. " * MAX_PIECES * 20}
    with pytest.raises(TooManyPieces, match="999 are read at most"):
        await task_of(small, inspected(a_reader("http://127.0.0.1:1/v1", small), given), a_call(bare.ports))


@pytest.mark.parametrize("value", [None, 7, ["a"]])
async def test_what_is_no_text_is_refused(bare: World, value: object) -> None:
    release = a_reader("http://127.0.0.1:1/v1", TEXT)
    with pytest.raises(InputInvalid, match="text"):
        await task_of(TEXT, inspected(release, {"question": "What?", "text": value}), a_call(bare.ports))
