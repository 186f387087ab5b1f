"""The styles of a DOCX file."""

import time
from xml.etree.ElementTree import Element

import pytest

from buttress.knowledge.parsing.docx_styles import Style, over, read_styles, style_of
from buttress.knowledge.parsing.xml_parts import elements


def nodes(xml: str, name: str) -> list[Element]:
    """Return the elements of that name."""
    return [*elements([f"<d>{xml}</d>".encode()], frozenset({name}), "a.docx")]


def style(inner: str, name: str = "s") -> str:
    """Write a style."""
    return f'<style styleId="{name}">{inner}</style>'


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param('<name val="heading 2"/>', Style(level=2), id="a heading by its name"),
        pytest.param('<name val="Title"/>', Style(level=0), id="the title"),
        pytest.param(
            '<name val="Clause"/><pPr><outlineLvl val="1"/></pPr>',
            Style(level=2),
            id="a heading by its level",
        ),
        pytest.param('<pPr><outlineLvl val="9"/></pPr>', Style(level=10), id="body text by its level"),
        pytest.param('<name val="toc 3"/>', Style(is_contents=True), id="a line of a table of contents"),
        pytest.param("<rPr><vanish/></rPr>", Style(is_hidden=True), id="hidden"),
        pytest.param('<rPr><vanish val="0"/></rPr>', Style(is_hidden=False), id="shown"),
        pytest.param(
            '<pPr><numPr><ilvl val="2"/><numId val="7"/></numPr></pPr>',
            Style(numbering="7", list_level=2),
            id="a list",
        ),
        pytest.param('<name val="Normal"/>', Style(), id="nothing said"),
    ],
)
def test_what_a_style_says(inner: str, expected: Style) -> None:
    """None where it is silent."""
    assert read_styles(nodes(style(inner), "style")) == {"s": expected}


def test_a_style_says_what_its_parent_says() -> None:
    """Unless it says otherwise itself."""
    found = read_styles(
        nodes(
            style('<name val="heading 1"/><rPr><vanish/></rPr>', "a")
            + style('<basedOn val="a"/><rPr><vanish val="0"/></rPr>', "b"),
            "style",
        )
    )
    assert found["b"] == Style(level=1, is_hidden=False)


def test_styles_based_on_one_another_end() -> None:
    """Round and round."""
    found = read_styles(nodes(style('<basedOn val="b"/>', "a") + style('<basedOn val="a"/>', "b"), "style"))
    assert found == {"a": Style(), "b": Style()}


@pytest.mark.slow
def test_a_line_of_ten_thousand_styles_ends() -> None:
    """Word itself goes ten levels; what lies beyond says nothing."""
    line = "".join(style(f'<basedOn val="{n + 1}"/>', str(n)) for n in range(10_000))
    began = time.perf_counter()
    assert len(read_styles(nodes(line, "style"))) == 10_000
    assert time.perf_counter() - began < 10


def test_a_paragraph_says_more_than_its_style() -> None:
    """Properties of its own come first."""
    (own,) = nodes('<pPr><outlineLvl val="0"/><numPr><numId val="0"/></numPr></pPr>', "pPr")
    assert over(style_of(own), Style(level=3, numbering="7", list_level=1)) == Style(
        level=1, numbering="0", list_level=1
    )
    assert style_of(None) == Style()
