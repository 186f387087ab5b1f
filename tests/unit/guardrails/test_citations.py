"""What a sentence cites, and whether it is borne out."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.citations import CitedSentence, cite_sentence
from buttress.guardrails.folding import normalised
from buttress.guardrails.markers import piece_spans
from buttress.kernel.passages import CitationState, Passage
from buttress.testing.passages import a_passage

REFUNDS = (
    "Refunds\n\nA refund takes 14 days. It is paid “to the same card”, as our\nterms say.[3] "
    "Cheques are not accepted.\n\nNo."
)
PLANS = "The Studio plan costs €49 a month and has 6 calendars."


def passage(text: str, *, start: int = 0) -> Passage:
    return a_passage(
        text,
        document="refunds.md",
        title="Refunds",
        section=("Refunds",),
        page=3,
        page_end=4,
        start=start,
        end=start + len(text),
        cosine=0.5,
        coverage=0.5,
    )


PASSAGES = (passage(REFUNDS, start=1_000), passage(PLANS))


def cite(text: str) -> CitedSentence:
    return cite_sentence(text, PASSAGES, content_share=0.65)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        pytest.param("A refund takes 14 days. [1]", "A refund takes 14 days", id="word for word"),
        pytest.param("a REFUND  takes 14 days [1].", "A refund takes 14 days", id="case and blanks"),
        pytest.param("- A refund takes 14 days! [1]", "A refund takes 14 days", id="as an item"),
        pytest.param(
            'It is paid "to the same card", as our terms say. [1]',
            "It is paid “to the same card”, as our\nterms say",
            id="other quotes, over a line end",
        ),
        pytest.param(
            "The terms promise: “a refund takes 14 days” [1].",
            "A refund takes 14 days",
            id="only what it quotes",
        ),
        pytest.param("No. [1]", "No", id="a short sentence that is a whole one there"),
    ],
)
def test_verbatim_says_where(text: str, quote: str) -> None:
    (citation,) = cite(text).citations
    assert citation.state == CitationState.VERBATIM
    assert citation.quote == quote
    assert REFUNDS[citation.start - 1_000 : citation.end - 1_000] == quote


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param("Refunds take 14 days. [1]", "supported", id="other words for the same"),
        pytest.param("Studio has 6 calendars for €49. [2]", "supported", id="all facts are there"),
        pytest.param("Refunds take 15 days. [1]", "unsupported", id="a wrong number"),
        pytest.param("Refunds take 14 weeks. [1]", "unsupported", id="a wrong unit"),
        pytest.param("Kestrel refunds take 14 days. [1]", "supported", id="the first word may be any name"),
        pytest.param(
            "All refunds of Kestrel take 14 days. [1]", "unsupported", id="a name that is not there"
        ),
        pytest.param("Cheques are accepted. [1]", "unsupported", id="the opposite"),
        pytest.param("Dogs bark at night. [1]", "unsupported", id="something else"),
        pytest.param("The right passage is the other one. [2]", "unsupported", id="the wrong passage"),
        pytest.param("A refund takes 14 days. [2]", "unsupported", id="the right words, the wrong passage"),
        pytest.param("Yes. [1]", "unsupported", id="nothing to compare"),
        pytest.param("Day. [1]", "unsupported", id="a word that is only a part of a sentence"),
        pytest.param(
            "The terms for Klingons say “a refund takes 14 days” [1].",
            "unsupported",
            id="a fact beside the quote",
        ),
        pytest.param(
            'They say "refunds are instant and free" [1].', "unsupported", id="a quote that is none"
        ),
    ],
)
def test_what_is_not_verbatim(text: str, state: str) -> None:
    (citation,) = cite(text).citations
    assert citation.state == state
    assert (citation.number, citation.page, citation.page_end) in ((1, 3, 4), (2, 3, 4))
    assert len(citation.quote) == citation.end - citation.start


def cite_all(text: str, passages: list[Passage], *, content_share: float) -> list[CitedSentence]:
    pieces = (text[start:end] for start, end in piece_spans(text))
    return [cite_sentence(piece, passages, content_share=content_share) for piece in pieces]


def test_two_passages_may_bear_out_a_sentence_together() -> None:
    cited = cite("A refund takes 14 days and the Studio plan costs €49. [1][2]")
    assert [citation.state for citation in cited.citations] == ["supported", "supported"]
    alone = cite("A refund takes 14 days and the Studio plan costs €49. [1]")
    assert [citation.state for citation in alone.citations] == ["unsupported"]


def test_a_passage_that_there_is_not_is_no_citation() -> None:
    cited = cite("A refund takes 14 days. [0][1][3, 9]")
    assert [citation.number for citation in cited.citations] == [1]
    assert cited.missing == (0, 3, 9)


SENTENCES = st.lists(
    st.sampled_from(
        REFUNDS.split() + PLANS.split() + ["[1]", "[2]", "[9]", "“", '"', "*", "-", "ß", "½", "No."]
    ),
    max_size=12,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(
    SENTENCES | st.text(max_size=60),
    st.lists(SENTENCES | st.text(max_size=80), max_size=3),
    st.integers(0, 99),
)
def test_a_citation_lies_in_its_passage_and_holds_its_words(
    text: str, sources: list[str], start: int
) -> None:
    passages = [passage(source, start=start) for source in sources]
    for cited in cite_all(f"{text} [1-3]", passages, content_share=0.65):
        for citation in cited.citations:
            source = passages[citation.number - 1]
            assert source.start <= citation.start <= citation.end <= source.end
            assert source.text[citation.start - start : citation.end - start] == citation.quote
            if citation.state == CitationState.VERBATIM and '"' not in normalised(citation.sentence):
                assert normalised(citation.quote) == normalised(citation.sentence)


@settings(max_examples=200, deadline=None)
@given(
    SENTENCES.filter(lambda text: len(normalised(text).split()) >= 3),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_what_is_copied_is_verbatim(text: str, before: str, behind: str) -> None:
    copied = re.sub(r"\[\d\]", "", text)
    source = passage(f"{before}\n\n{copied}\n\n{behind}")
    if len(normalised(copied).split()) >= 3:
        for cited in cite_all(f"{copied} [1]", [source], content_share=0.65):
            states = {citation.state for citation in cited.citations}
            assert states <= {CitationState.VERBATIM} or len(normalised(cited.sentence.text).split()) < 3
