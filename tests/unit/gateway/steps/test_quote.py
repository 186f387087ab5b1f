"""Quote: an answer goes on in the words of the passages."""

import pytest

from buttress.gateway.call import Call
from buttress.gateway.steps.quote import quoted
from buttress.kernel.passages import CitationState, cite
from tests.unit.gateway.world import World, a_call, a_passage, a_release, composed

PASSAGES = (
    a_passage("Refunds take 14 days. They are paid to the same card.", 1),
    a_passage("A refund of a gift card takes 30 days.", 2),
)


async def quotes(call: Call, question: str = "How long does a refund take?") -> list[str]:
    """Return what is quoted for `question`."""
    return [one.text async for one in quoted(composed(a_release(), PASSAGES, question), call)]


async def test_what_answers_is_quoted(world: World) -> None:
    texts = await quotes(a_call(world.ports))
    assert "Refunds take 14 days. [1]" in "".join(texts)
    assert not texts[0].startswith("\n")


async def test_behind_an_answer_it_begins_a_paragraph(world: World) -> None:
    call = a_call(world.ports)
    call.text.append("It is easy.")
    assert (await quotes(call))[0].startswith("\n\n")


@pytest.mark.parametrize(
    ("state", "is_left_out"),
    [
        pytest.param(CitationState.VERBATIM, True, id="quoted before"),
        pytest.param(CitationState.SUPPORTED, False, id="only pointed to"),
    ],
)
async def test_what_was_told_is_left_out(world: World, state: CitationState, *, is_left_out: bool) -> None:
    call = a_call(world.ports)
    call.citations.append(cite(PASSAGES[0], 1, "", state, (0, 21)))
    assert ("Refunds take 14 days." not in "".join(await quotes(call))) == is_left_out


async def test_nothing_to_quote_is_no_error(world: World) -> None:
    assert await quotes(a_call(world.ports), "xylophone zebra quux") == []
