"""Check: whole sentences with their citations, while they stream."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.call import Call
from buttress.gateway.steps.check import check
from buttress.gateway.types import Sent, Sentence
from buttress.kernel.passages import CitationState
from buttress.models.errors import StreamCut
from tests.unit.gateway.world import World, a_call, a_passage, a_release, composed

PASSAGES = (a_passage("Refunds take 14 days to arrive.", 1), a_passage("Support answers on weekdays.", 2))


async def pieces_of(texts: Sequence[str], *, cut: bool = False) -> AsyncGenerator[str, None]:
    """Give `texts`, as a model does; then break when `cut`."""
    for text in texts:
        yield text
    if cut:
        raise StreamCut("it stopped")


async def checked(call: Call, *texts: str) -> list[Sentence]:
    """Return the checked sentences of an answer that comes in these pieces."""
    sent = Sent(composed(a_release(), PASSAGES), pieces_of(texts))
    return [sentence async for sentence in check(sent, call).sentences]


@pytest.mark.parametrize(
    ("text", "states"),
    [
        pytest.param("Refunds take 14 days to arrive. [1]", [CitationState.VERBATIM], id="word for word"),
        pytest.param("Refunds arrive within 14 days. [1]", [CitationState.SUPPORTED], id="in other words"),
        pytest.param("Refunds take 30 days to arrive. [1]", [CitationState.UNSUPPORTED], id="another number"),
        pytest.param(
            "Refunds take 14 days to arrive. [2]", [CitationState.UNSUPPORTED], id="another passage"
        ),
        pytest.param("Refunds take 14 days to arrive. [9]", [], id="no such passage"),
        pytest.param("Refunds take 14 days to arrive.", [], id="no marker"),
    ],
)
async def test_a_sentence_is_held_against_what_it_cites(
    world: World, text: str, states: list[CitationState]
) -> None:
    call = a_call(world.ports)
    (sentence,) = await checked(call, text)
    assert [one.state for one in sentence.citations] == states
    data = call.recorder.spans[0].data
    assert sum(int(str(data[state.value])) for state in CitationState) == len(states)
    assert data["missing"] == (1 if "[9]" in text else 0)


async def test_what_was_whole_before_a_break_is_given_and_the_rest_is_not(world: World) -> None:
    sent = Sent(composed(a_release(), PASSAGES), pieces_of(["One is. ", "Two is. ", "Thr"], cut=True))
    sentences = check(sent, a_call(world.ports)).sentences
    assert [(await anext(sentences)).text for _ in range(2)] == ["One is.", " Two is."]
    with pytest.raises(StreamCut):
        await anext(sentences)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(texts=st.lists(st.text() | st.sampled_from(["One. ", "[1]", "[2, 9]", " ", "Two! "]), max_size=8))
async def test_nothing_is_lost_added_or_changed(world: World, texts: list[str]) -> None:
    sentences = await checked(a_call(world.ports), *texts)
    assert "".join(one.text for one in sentences) == "".join(texts)
