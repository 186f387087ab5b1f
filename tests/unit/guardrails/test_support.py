"""What an answer stands on, counted."""

import pytest

from buttress.guardrails.citations import CitedSentence
from buttress.guardrails.markers import MarkedSentence
from buttress.guardrails.support import Support, standing, support_of
from buttress.kernel.ids import DocumentId
from buttress.kernel.passages import Citation, CitationState

V, S, U = CitationState.VERBATIM, CitationState.SUPPORTED, CitationState.UNSUPPORTED


def cited(*states: CitationState, missing: tuple[int, ...] = ()) -> CitedSentence:
    citations = tuple(
        Citation(
            number=number,
            sentence="It is.",
            state=state,
            document_id=DocumentId("d"),
            document="a.md",
            section=(),
            page=None,
            page_end=None,
            start=0,
            end=1,
            quote="x",
        )
        for number, state in enumerate(states, 1)
    )
    return CitedSentence(MarkedSentence("It is.", ()), citations, missing)


@pytest.mark.parametrize(
    ("sentence", "stands_on"),
    [
        pytest.param(cited(V), "verbatim", id="verbatim"),
        pytest.param(cited(U, S), "supported", id="the best of its citations"),
        pytest.param(cited(S, V, U), "verbatim", id="whatever their order"),
        pytest.param(cited(U), "unsupported", id="unsupported"),
        pytest.param(cited(missing=(9,)), "unsupported", id="only what there is not"),
        pytest.param(cited(S, missing=(9,)), "supported", id="one that there is, too"),
        pytest.param(cited(), "uncited", id="nothing cited"),
    ],
)
def test_standing(sentence: CitedSentence, stands_on: str) -> None:
    assert standing(sentence) == stands_on


def test_each_sentence_counts_once() -> None:
    sentences = [cited(V, V), cited(U, S), cited(), cited(missing=(8, 9))]
    support = support_of(map(standing, sentences), withheld=3)
    assert support == Support(verbatim=1, supported=1, unsupported=1, uncited=1, withheld=3)


def test_an_empty_answer_stands_on_nothing() -> None:
    assert support_of([]) == Support()
