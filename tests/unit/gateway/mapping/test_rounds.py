"""The rounds: in the order of the text, level by level, and an end to what no further piece can help."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from buttress.gateway.mapping.rounds import Rounds
from buttress.gateway.mapping.task import task_of
from buttress.gateway.types import Progressed
from buttress.kernel.catalogue import Model
from buttress.models.errors import NoRungLeft
from buttress.models.order import Order
from buttress.models.types import Bill
from buttress.spend.errors import BudgetExhausted
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.unit.gateway.reading import STAGE, a_reader, asked, is_piece, pages_of, reading, told
from tests.unit.gateway.shelf import Shelf, a_document
from tests.unit.gateway.world import World, a_call, ended, inspected

MANY = tuple(
    f"Page {number} tells of Nr{number}ville. " + "It is old and grey. " * 12 for number in range(1, 10)
)


class Poor:
    """A `models.ports.Meter` that has the money for so many attempts."""

    def __init__(self, attempts: int) -> None:
        self._left = attempts

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
        """See `Meter.attempt`."""
        del order
        self._left -= 1
        if self._left < 0:
            raise BudgetExhausted(f"no money is left for {model.name}", retry_after_s=None)
        yield Bill()


async def rounds_of(bare: World, url: str) -> tuple[Rounds, list[str | Progressed]]:
    """Return the rounds of nine pages, and all that came of them."""
    shelf = Shelf()
    shelf.documents["default", "report.pdf"] = a_document(*MANY)
    bare.ports = reading(bare, a_reader(url), shelf)
    call = a_call(bare.ports, asked())
    task = await task_of(STAGE, inspected(a_reader(url), asked().input), call)
    rounds = Rounds(task, call)
    return rounds, [one async for one in rounds.answer()]


async def test_merges_keep_the_order_of_the_text_and_the_numbers_of_pieces(bare: World) -> None:
    def slow_first(received: Received) -> Reply:
        late = 0.2 if is_piece(received) and 1 in pages_of(received) else 0.0
        return msgspec.structs.replace(told(received), first_delay_s=late)

    async with ScriptedUpstream(slow_first) as upstream:
        rounds, given = await rounds_of(bare, upstream.url)
        merges = [one.question for one in upstream.received if not is_piece(one)]
    first = merges[0]
    assert first.index("Nr1ville. [1]") < first.index("Nr2ville. [2]")
    assert rounds.mapped.merges == len(merges) > 1
    levels = [one for one in given if isinstance(one, Progressed) and one.step == "merges"]
    assert levels[-1].done == levels[-1].total
    assert isinstance(given[-1], str)


async def test_where_the_money_ends_so_does_the_reading_and_goes_on_later(bare: World) -> None:
    shelf = Shelf()
    shelf.documents["default", "report.pdf"] = a_document(*MANY)
    async with ScriptedUpstream(told) as upstream:
        ports = reading(bare, a_reader(upstream.url), shelf)
        poor = Poor(4)
        end = await ended(asked(), bare, msgspec.structs.replace(ports, meter=lambda _: poor))
        assert (end.answer.outcome, len(shelf.answers), len(upstream.received)) == ("fallback", 4, 4)
        rich = await ended(asked(), bare, ports)
        pieces = [one for one in upstream.received if is_piece(one)]
    assert rich.answer.outcome == "answered"
    assert rich.answer.mapped is not None
    assert (rich.answer.mapped.kept, len(pieces)) == (4, rich.answer.mapped.pieces)


async def test_pieces_that_hold_nothing_are_counted_and_not_merged(bare: World) -> None:
    def mostly_nothing(received: Received) -> Reply:
        return told(received) if 5 in pages_of(received) else Reply(chunks=("Nothing.",))

    async with ScriptedUpstream(mostly_nothing) as upstream:
        rounds, given = await rounds_of(bare, upstream.url)
    assert rounds.mapped.empty == rounds.mapped.pieces - 1
    assert rounds.mapped.merges == 0
    assert given[-1] == "Page 5 tells of the town of Nr5ville. [5]"


async def test_a_failed_merge_is_raised(bare: World) -> None:
    async with ScriptedUpstream(lambda one: told(one) if is_piece(one) else Reply(status=400)) as upstream:
        with pytest.raises(NoRungLeft):
            await rounds_of(bare, upstream.url)
