"""Passages: how their place is said, and linked to."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import DocumentId
from buttress.kernel.passages import CitationState, cite, link_to, page_range, place_of
from buttress.testing.passages import a_passage


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        pytest.param(3, None, "page 3", id="one page"),
        pytest.param(3, 3, "page 3", id="begins and ends on one page"),
        pytest.param(3, 5, "pages 3-5", id="several pages"),
    ],
)
def test_pages_are_said_as_people_say_them(first: int, last: int | None, words: str) -> None:
    assert page_range(first, last) == words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param(("a.pdf", 12, 12, ("Setup",)), "a.pdf, page 12, Setup", id="document, page and section"),
        pytest.param(("a.pdf", 3, 4, ()), "a.pdf, pages 3-4", id="no section"),
        pytest.param(("a.md", None, None, ("Setup", "Keys")), "a.md, Setup > Keys", id="no pages"),
        pytest.param(("a.txt", None, None, ()), "a.txt", id="neither"),
    ],
)
def test_a_place_is_said_in_one_way(place: tuple[str, int, int, tuple[str, ...]], words: str) -> None:
    assert place_of(*place) == words


def test_a_citation_says_its_place_as_its_passage_does_and_links_to_its_characters() -> None:
    passage = a_passage(
        "Turn it on.",
        document_id=DocumentId("d1"),
        document="manual.pdf",
        title="Manual",
        section=("Setup",),
        page=12,
        page_end=12,
        start=1000,
        end=1011,
        cosine=0.9,
    )
    cited = cite(passage, 1, "Turn it on.", CitationState.VERBATIM, (5, 10))
    assert cited.place == passage.place == "manual.pdf, page 12, Setup"
    assert cited.link == "/documents/d1?page=12&start=1005&end=1010#cited"
    assert cited.quote == "it on"


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.none() | st.integers(1), st.integers(0))
def test_a_link_leads_to_its_document_whatever_that_is_called(
    name: str, page: int | None, start: int
) -> None:
    link = urlsplit(link_to(DocumentId(name), page, start, start + 1))
    asked = {key: int(value) for key, (value,) in parse_qs(link.query).items()}
    assert unquote(link.path.removeprefix("/documents/")) == name
    assert link.fragment == "cited"
    assert asked == ({"start": start, "end": start + 1} | ({} if page is None else {"page": page}))
