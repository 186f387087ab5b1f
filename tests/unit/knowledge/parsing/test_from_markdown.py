"""Markdown to blocks."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import BrokenFile, EmptyDocument
from buttress.knowledge.parsing.from_markdown import parse_markdown
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract

LIMITS = ParseLimits()

PAGE = """\
---
title: Refund *policy*
---
# Refunds

See the [plan](https://example.org "t") and `code`, **bold**\\
new line<!-- hidden -->.

## Annual plans

- one
  more
- two
  1. inner

| Plan | Days |
|------|------|
| Pro  | `30` |

```py
x = 1

y  = 2
```

<div>In <b>HTML</b></div>

<!-- hidden
too -->
"""


def parse(text: str) -> ParsedDocument:
    """Parse a text as `docs/a.md`."""
    return parse_markdown(text.encode(), "docs/a.md", LIMITS)


def shown(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return kind and text of each block."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


class TestContract(ParserContract):
    """Markdown keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_markdown

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a page with one of each kind."""
        return PAGE.encode()

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a page of comments."""
        return b"<!-- nothing -->\n"


def test_the_readable_text_is_kept_without_the_marks() -> None:
    """One block for each thing; comments are dropped; code keeps its blanks."""
    document = parse(PAGE)
    assert document.title == "Refund *policy*"
    assert shown(document) == [
        ("heading", "Refunds"),
        ("paragraph", "See the plan and code, bold\nnew line."),
        ("heading", "Annual plans"),
        ("list_item", "- one more"),
        ("list_item", "- two"),
        ("list_item", "1. inner"),
        ("table", "Plan | Days\nPro | 30"),
        ("code", "x = 1\n\ny  = 2"),
        ("paragraph", "In HTML"),
    ]
    assert document.blocks[-1].section == ("Refunds", "Annual plans")


@pytest.mark.parametrize(
    ("text", "title", "first"),
    [
        pytest.param("---\ntitle: T\n---\nx", "T", "x", id="front matter"),
        pytest.param("---\n- a\n---\nx", "a", "- a", id="a list between rules is no front matter"),
        pytest.param("# H\n\nx", "H", "H", id="the first heading"),
        pytest.param("x", "a", "x", id="the file's name"),
        pytest.param("---\ntitle: [1\n---\nx", "a", "x", id="broken front matter is left out, and said"),
    ],
)
def test_title(text: str, title: str, first: str) -> None:
    """Front matter, else the first heading, else the file's name."""
    document = parse(text)
    assert document.title == title
    assert shown(document)[0][1] == first
    assert bool(document.warnings) == ("[1" in text)


def test_an_image_is_its_description() -> None:
    """A reader who cannot see it is told what it shows."""
    assert parse("![a red house](x.png)").text == "a red house"


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("[" * 20_000, id="open brackets"),
        pytest.param("*a " * 20_000, id="open emphasis"),
        pytest.param("- " * 40 + "x", id="lists in lists"),
        pytest.param("|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|b" * 2_000, id="a table of 2,000 columns"),
        pytest.param("# " + "word " * 20_000, id="a heading of 20,000 words"),
    ],
)
def test_hostile_markdown_is_read(hostile: str) -> None:
    """It takes time in proportion, and keeps the promises."""
    check_blocks(parse(hostile))


@pytest.mark.parametrize("mark", ["- ", "> ", "1. "])
@pytest.mark.parametrize("depth", [60, 120, 5_000])
def test_what_is_nested_too_deep_is_refused_not_left_out(mark: str, depth: int) -> None:
    """The library would drop it without a word."""
    try:
        text = parse("before\n\n" + mark * depth + "needle").text
    except BrokenFile as refused:
        text = refused.message
    assert "needle" in text or "deep near line 3" in text


@pytest.mark.slow
def test_a_line_of_a_megabyte_is_read() -> None:
    """No line is too long for a paragraph."""
    document = parse("some words here. " * 60_000)
    assert len(document.text) > 1_000_000
    check_blocks(document)


@settings(max_examples=60)
@given(st.text(alphabet="# -*_`|>\n[]()<!ab1.:~\\&", max_size=120))
def test_any_text_keeps_the_promises(text: str) -> None:
    """Made of Markdown's own signs, most texts are nonsense: they are read all the same."""
    with suppress(EmptyDocument):
        check_blocks(parse(text))


def test_html_inside_that_is_too_deep_is_refused_by_the_name_of_the_file() -> None:
    """Not by the name of its language."""
    with pytest.raises(BrokenFile, match=r"^docs/a\.md has more than 1,000 tags open"):
        parse("<div>" * 2_000)
