"""A cited place as a page of its own: what a citation's link opens, without a line of JavaScript."""

from urllib.parse import urlencode

from buttress.console.demo import template, version
from buttress.console.excerpts import AROUND, ShownExcerpt


def render_document(excerpt: ShownExcerpt, knowledge: str) -> str:
    """Return the page, as HTML: the text around the place, what is cited marked, and where it goes on."""
    before = _query(knowledge, max(0, excerpt.start - AROUND)) if excerpt.more_before else ""
    after = _query(knowledge, excerpt.end + AROUND) if excerpt.more_after else ""
    cited = (block for block in excerpt.blocks if any(part.cited for part in block.parts))
    return template("document.html").render(
        excerpt=excerpt,
        before=before,
        after=after,
        turns=_turns(excerpt),
        first_cited=next(cited, None),
        version=version(),
    )


def _query(knowledge: str, at: int) -> str:
    """Return what leads to the text around a place, of which nothing is cited."""
    return "?" + urlencode({"knowledge": knowledge, "start": at, "end": at})


def _turns(excerpt: ShownExcerpt) -> list[int | None]:
    """Return for each block the page that begins with it, None where none does."""
    pages = [block.page for block in excerpt.blocks]
    return [page if page != before else None for page, before in zip(pages, [None, *pages], strict=False)]
