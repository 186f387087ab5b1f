"""Passages that touch become one."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import CitationState, cite
from buttress.knowledge.ranking.merging import merged
from buttress.knowledge.search_types import Candidate
from buttress.testing.passages import a_passage

TEXT = "Roses want sun.\n\nMoss wants shade. \n Gloves are worn.\fA spade digs.\nA rake rakes."
PAGES = [0, TEXT.index("\f")]
CHUNKS = ["Roses want sun.", "Moss wants shade.", "Gloves are worn.", "A spade digs.", "A rake rakes."]


def page_at(offset: int) -> int:
    """Return the page of a character."""
    return bisect_right(PAGES, offset)


def chunk(place: int, score: float = 0.5, document: str = "a") -> Candidate:
    """Return the chunk at `place` as a search finds it."""
    start = TEXT.index(CHUNKS[place])
    last = TEXT.index(CHUNKS[place - 1]) + len(CHUNKS[place - 1]) if place else 0
    passage = a_passage(
        CHUNKS[place],
        chunk_id=ChunkId(f"{document}{place}"),
        document_id=DocumentId(document),
        document=f"{document}.md",
        title="Garden",
        section=("Garden", CHUNKS[place]) if place < 3 else ("Garden", "Tools", CHUNKS[place]),
        page=page_at(start),
        page_end=page_at(start + len(CHUNKS[place]) - 1),
        start=start,
        end=start + len(CHUNKS[place]),
        score=score,
        cosine=score / 2,
        coverage=0.0,
    )
    return Candidate(passage, f"Garden\n{CHUNKS[place]}", TEXT[last:start])


def test_neighbours_are_one_where_the_best_stood() -> None:
    """With exactly the characters between, the pages, and the headings that all stand under."""
    found = merged([chunk(2, 0.9), chunk(0, 0.8), chunk(3, 0.7), chunk(1, 0.2, "b")])
    assert [one.passage.chunk_id for one in found] == ["a2", "a0", "b1"]
    passage = found[0].passage
    assert passage.text == "Gloves are worn.\fA spade digs." == TEXT[passage.start : passage.end]
    assert (passage.page, passage.page_end) == (1, 2)
    assert passage.section == ("Garden",)
    assert (passage.score, passage.cosine) == (0.9, 0.45)
    assert found[0].searched == "Garden\nGloves are worn.\nGarden\nA spade digs."


def test_a_citation_of_what_was_merged_leads_to_its_words() -> None:
    """Characters within the passage are characters of the document."""
    (one,) = merged([chunk(3), chunk(2), chunk(4)])
    start = one.passage.text.index("spade")
    cited = cite(one.passage, 1, "A spade digs.", CitationState.VERBATIM, (start, start + 5))
    assert cited.quote == "spade" == TEXT[cited.start : cited.end]


@pytest.mark.parametrize("documents", [("a", "b"), ("b", "a")])
def test_what_stands_in_two_documents_never_touches(documents: tuple[str, str]) -> None:
    """However the characters are numbered."""
    best = [chunk(0, document=documents[0]), chunk(1, document=documents[1])]
    assert merged(best) == best


def test_another_chunk_between_keeps_them_apart() -> None:
    """Also where it holds a few characters only."""
    best = [chunk(0), chunk(2)]
    assert merged(best) == best


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab")), unique=True))
def test_whatever_is_merged_is_the_documents_own_text(found: list[tuple[int, str]]) -> None:
    """Nothing is lost, nothing stands twice, and doing it again changes nothing."""
    best = [chunk(place, 1 - rank / 20, document) for rank, (place, document) in enumerate(found)]
    joined = merged(best)
    for one in joined:
        passage = one.passage
        assert passage.text == TEXT[passage.start : passage.end]
        assert (passage.page, passage.page_end) == (page_at(passage.start), page_at(passage.end - 1))
    for one in best:
        holding = [
            other
            for other in joined
            if other.passage.document_id == one.passage.document_id
            and other.passage.start <= one.passage.start
            and one.passage.end <= other.passage.end
        ]
        assert len(holding) == 1
    assert merged(joined) == joined
    scores = [one.passage.score for one in joined]
    assert scores == sorted(scores, reverse=True)
    assert scores[:1] == [one.passage.score for one in best[:1]]
