"""The page that a citation's link opens: its text, its pages, what is marked; and nothing of it is markup."""

from buttress.console.document import render_document
from buttress.console.excerpts import AROUND, shown, window
from buttress.knowledge.syncing.types import StoredExcerpt
from buttress.knowledge.types import Block, BlockKind

HOSTILE = "<script>alert(1)</script>"
TEXT = f"Lawns\n\nA lawn is mown. Then {HOSTILE} rests.\n\n| a | b |\n\nThe end."


def page(start: int = 7, end: int = 22, before: int = 0) -> str:
    """Return the page of a document of three pages, of which `before` characters stand before this piece."""
    ends = [TEXT.index("Lawns") + 5, TEXT.index(" rests.") + 7, TEXT.index("| a") + 9, len(TEXT)]
    starts = [0, 7, TEXT.index("| a"), TEXT.index("The end")]
    kinds: tuple[BlockKind, ...] = ("heading", "paragraph", "table", "paragraph")
    blocks = tuple(
        Block(kind=kind, start=before + first, end=before + last, page=number, level=1, section=("Lawns",))
        for kind, first, last, number in zip(kinds, starts, ends, (1, 1, 2, 3), strict=True)
    )
    piece = StoredExcerpt(
        path="lawns & more.pdf",
        title=HOSTILE,
        pages=3,
        characters=before + len(TEXT) + before,
        start=before,
        text=TEXT,
        blocks=blocks,
    )
    return render_document(shown(piece, before + start, before + end), "a&b")


def test_what_is_cited_is_marked_on_its_page() -> None:
    html = page()
    assert '<mark id="cited">A lawn is mown.</mark>' in html
    assert html.index('id="page-1"') < html.index("<mark") < html.index('id="page-2"')
    assert html.count('class="turn"') == 3
    assert 'id="place" dir="auto">lawns &amp; more.pdf, page 1, Lawns (of 3 pages)<' in html
    assert '<pre class="table">| a | b |</pre>' in html


def test_text_is_never_markup() -> None:
    html = page()
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2


def test_a_link_leads_to_the_mark() -> None:
    """The first mark has the fragment of the citation's link."""
    assert page().count('id="cited"') == 1
    assert page(0, len(TEXT)).count('id="cited"') == 1


def test_it_goes_on_before_and_after_only_where_there_is_more() -> None:
    assert 'class="more"' not in page()
    html = page(before=5_000)
    before, after = 5_000 - AROUND, 5_000 + len(TEXT) + AROUND
    assert f'rel="prev" href="?knowledge=a%26b&amp;start={before}&amp;end={before}"' in html
    assert f'rel="next" href="?knowledge=a%26b&amp;start={after}&amp;end={after}"' in html
    assert window(before, before)[1] == 5_000
    assert window(after, after)[0] == 5_000 + len(TEXT)


def test_where_it_goes_on_nothing_is_marked() -> None:
    assert "<mark" not in page(10, 10)
