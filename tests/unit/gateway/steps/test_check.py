"""Check: whole sentences with their citations, while they stream."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.call import Call
from buttress.gateway.steps.check import MAX_ANSWER_CHARACTERS, check
from buttress.gateway.types import Sent, Sentence
from buttress.guardrails.plain import visible
from buttress.guardrails.sentences import MAX_SENTENCE_CHARACTERS
from buttress.guardrails.withholding import Withheld
from buttress.kernel.catalogue import Model
from buttress.kernel.passages import CitationState
from buttress.models.errors import StreamCut
from buttress.releases.types import Release
from tests.unit.gateway.world import FIND, QUOTES, WRITE, World, a_call, a_passage, a_release, composed

PASSAGES = (a_passage("Refunds take 14 days to arrive.", 1), a_passage("Support answers on weekdays.", 2))


async def pieces_of(texts: Sequence[str], *, cut: bool = False) -> AsyncGenerator[str, None]:
    """Give `texts`, as a model does; then break when `cut`."""
    for text in texts:
        yield text
    if cut:
        raise StreamCut("it stopped")


def seen(text: str) -> str:
    """Return what a reader sees of a text; joiners, which depend on what stands beside them, left out."""
    return visible(text).replace("\u200c", "").replace("\u200d", "")


MARKING = a_release(stages=(FIND, msgspec.structs.replace(WRITE, unsupported="mark")))
WITHOUT_RETRIEVAL = a_release(stages=(WRITE,))


async def checked(call: Call, *texts: str, release: Release | None = None) -> list[Sentence | Withheld]:
    """Return the checked sentences of an answer that comes in these pieces."""
    sent = Sent(composed(release or a_release(), PASSAGES), pieces_of(texts))
    return [sentence async for sentence in check(sent, call).sentences]


class TestMarked:
    """A stage with `unsupported: mark`, or without retrieval: everything goes out, with its state."""

    @pytest.mark.parametrize(
        ("text", "states"),
        [
            pytest.param("Refunds take 14 days to arrive. [1]", [CitationState.VERBATIM], id="word for word"),
            pytest.param(
                "Refunds arrive within 14 days. [1]", [CitationState.SUPPORTED], id="in other words"
            ),
            pytest.param("Refunds take 30 days. [1]", [CitationState.UNSUPPORTED], id="another number"),
            pytest.param("Refunds take 14 days. [2]", [CitationState.UNSUPPORTED], id="another passage"),
            pytest.param("Refunds take 14 days to arrive. [9]", [], id="no such passage"),
            pytest.param("Refunds take 14 days to arrive.", [], id="no marker"),
        ],
    )
    async def test_a_sentence_is_held_against_what_it_cites(
        self, world: World, text: str, states: list[CitationState]
    ) -> None:
        (sentence,) = await checked(a_call(world.ports), text, release=MARKING)
        assert isinstance(sentence, Sentence)
        assert [one.state for one in sentence.citations] == states

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
    @given(
        texts=st.lists(st.text() | st.sampled_from(["One. ", "[1]", "[2, 9]", " ", "Two! "]), max_size=8),
        release=st.sampled_from([MARKING, WITHOUT_RETRIEVAL]),
    )
    async def test_nothing_is_lost_added_or_changed(
        self, world: World, texts: list[str], release: Release
    ) -> None:
        sentences = await checked(a_call(world.ports), *texts, release=release)
        assert seen("".join(one.text for one in sentences)) == seen("".join(texts))


class TestJudged:
    """The default: what does not hold is withheld."""

    @pytest.mark.parametrize(
        ("text", "given"),
        [
            pytest.param(
                "Yes. Refunds take 14 days to arrive. [1] Thanks.",
                [
                    Sentence("Yes. Refunds take 14 days to arrive. [1]", (), "verbatim"),
                    Withheld(" Thanks.", "leads_nowhere"),
                ],
                id="what claims nothing goes out with what holds, or not at all",
            ),
            pytest.param(
                "Yes. Refunds take 30 days to arrive. [1]",
                [Withheld(" Refunds take 30 days to arrive. [1]", "unsupported")],
                id="and not with what does not hold",
            ),
            pytest.param(
                "Refunds arrive in 14 days. The documents do not mention fees.",
                [
                    Sentence("Refunds arrive in 14 days. [1]", (), "supported"),
                    Sentence(" The documents do not mention fees.", (), "uncited"),
                ],
                id="behind an answer, what is not there is worth saying",
            ),
            pytest.param("I do not know.", [Withheld("I do not know.", "declined")], id="no answer at all"),
            pytest.param(
                "Refunds arrive in 14 days. The documents do not say more, but call +1 900 555 0199.",
                [
                    Sentence("Refunds arrive in 14 days. [1]", (), "supported"),
                    Withheld(" The documents do not say more, but call +1 900 555 0199.", "uncited"),
                ],
                id="and nothing that hides behind it",
            ),
            pytest.param(
                "No. Refunds take 14 days to arrive. [1]",
                [Sentence(" Refunds take 14 days to arrive. [1]", (), "verbatim")],
                id="a No before what does not deny is left out",
            ),
            pytest.param(
                "Pay Bob first:\n\nRefunds take 14 days to arrive. [1]",
                [Withheld("Pay Bob first:", "uncited")],
                id="a line before a colon is judged like any",
            ),
            pytest.param(
                "Refunds take 14 \u202edays\u202c to arrive. [1]",
                [Sentence("Refunds take 14 days to arrive. [1]", (), "verbatim")],
                id="what turns a text round never goes out",
            ),
            pytest.param(
                "Sure! " * 8 + "Refunds take 14 days to arrive. [1]",
                [Withheld("Sure!" + " Sure!" * 6, "leads_nowhere")],
                id="not too much of what claims nothing",
            ),
            pytest.param(
                "x" * 1_000_000,
                [Withheld("x" * MAX_SENTENCE_CHARACTERS, "too_long")],
                id="what has no end is not waited for",
            ),
            pytest.param("", [], id="nothing"),
        ],
    )
    async def test_judged(self, world: World, text: str, given: list[Sentence | Withheld]) -> None:
        found = await checked(a_call(world.ports), text)
        assert [
            msgspec.structs.replace(one, citations=()) if isinstance(one, Sentence) else one for one in found
        ] == given

    async def test_the_answer_is_checked_up_to_a_length(self, world: World) -> None:
        sentence = "Refunds take 14 days to arrive. [1] "
        found = await checked(a_call(world.ports), sentence * (MAX_ANSWER_CHARACTERS // len(sentence) + 9))
        *released, last = found
        assert isinstance(last, Withheld)
        assert last.reason == "too_long"
        assert sum(len(one.text) for one in released) <= MAX_ANSWER_CHARACTERS

    async def test_others_go_on_while_it_judges(self, world: World) -> None:
        waited: list[int] = []

        async def waiting() -> None:
            while True:
                waited.append(len(waited))
                await asyncio.sleep(0)

        async def judging() -> None:
            found = await checked(a_call(world.ports), "Refunds take 14 days. [1] " * 5)
            assert len(found) == len(waited) - 1 == 5
            other.cancel()

        async with asyncio.TaskGroup() as group:
            other = group.create_task(waiting())
            group.create_task(judging())

    async def test_it_does_not_depend_on_how_the_stream_is_cut(self, world: World) -> None:
        text = "Here it is: Refunds arrive in 14 days [1][9]. Support answers on weekdays. [2] It is 30. [1]"
        whole = await checked(a_call(world.ports), text)
        assert await checked(a_call(world.ports), *text) == whole
        assert len(whole) == 3

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
    @given(
        texts=st.lists(
            st.text() | st.sampled_from([*PASSAGES[0].text.split(), *PASSAGES[1].text.split(), "[1]", "30."]),
            max_size=20,
        )
    )
    async def test_what_is_released_holds(self, world: World, texts: list[str]) -> None:
        for one in await checked(a_call(world.ports), " ".join(texts)):
            if isinstance(one, Sentence) and one.standing != "uncited":
                assert one.standing in {"verbatim", "supported"}
                assert one.citations


BACKED = a_release(Model(name="small", provider="local", backed=True), QUOTES)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        pytest.param(
            "Refunds arrive in 14 days.",
            [Withheld("Refunds arrive in 14 days. [1]", "reworded")],
            id="reworded",
        ),
        pytest.param("Here it is:", [Withheld("Here it is:", "reworded")], id="claims nothing"),
        pytest.param(
            "Refunds take 30 days to arrive.",
            [Withheld("Refunds take 30 days to arrive.", "uncited")],
            id="does not hold",
        ),
        pytest.param(
            "Refunds take 14 days to arrive. Refunds take 14 days to arrive.",
            [Sentence("Refunds take 14 days to arrive. [1]", (), "verbatim")],
            id="in the passage's words, and once",
        ),
    ],
)
async def test_of_a_weak_model_only_the_passages_own_sentences(
    world: World, text: str, given: list[Sentence | Withheld]
) -> None:
    found = await checked(a_call(world.ports), text, release=BACKED)
    assert [
        msgspec.structs.replace(one, citations=()) if isinstance(one, Sentence) else one for one in found
    ] == given


async def test_what_was_whole_before_a_break_is_given_and_the_rest_is_not(world: World) -> None:
    texts = ["Refunds arrive in 14 days. ", "Support answers on weekdays. ", "Thr"]
    sentences = check(Sent(composed(a_release(), PASSAGES), pieces_of(texts, cut=True)), a_call(world.ports))
    given = [await anext(sentences.sentences) for _ in range(2)]
    assert [one.text for one in given] == [
        "Refunds arrive in 14 days. [1]",
        " Support answers on weekdays. [2]",
    ]
    with pytest.raises(StreamCut):
        await anext(sentences.sentences)
