"""What DOCX and PPTX files share."""

from xml.etree.ElementTree import Element

import pytest

from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.office import Package, is_on, number_of, value_of
from buttress.knowledge.settings import ParseLimits
from buttress.testing.files import relations, zipped

CORE = '<cp:coreProperties xmlns:cp="urn:c" xmlns:dc="urn:d"><dc:title>{}</dc:title></cp:coreProperties>'


def package(parts: dict[str, str]) -> Package:
    """Open a file of these parts."""
    return Package(zipped(parts), "a.docx", ParseLimits())


def test_the_way_from_part_to_part() -> None:
    """By relationships, absolute or from the part's own folder."""
    one = package(
        {
            "_rels/.rels": relations(("r1", "officeDocument", "/word/main%20part.xml")),
            "word/main part.xml": "<d/>",
            "word/_rels/main part.xml.rels": relations(("a", "styles", "../s.xml"), ("b", "styles", "t.xml")),
            "word/t.xml": "<d/>",
        }
    )
    assert one.main_part() == "word/main part.xml"
    assert {name: to.part for name, to in one.relationships("word/main part.xml").items()} == {
        "a": "s.xml",
        "b": "word/t.xml",
    }
    assert one.related("word/main part.xml", "styles") == "word/t.xml"
    assert one.related("word/main part.xml", "numbering") is None
    assert one.has("word/t.xml")
    assert [*one.each(None, frozenset({"d"}))] == []


def test_what_stands_outside_is_no_part() -> None:
    """A remote template, a link: nothing is fetched."""
    outside = (
        '<Relationship Id="x" Type="a/officeDocument" Target="http://a.invalid/" TargetMode="External"/>'
    )
    one = package({"_rels/.rels": f"<Relationships>{outside}</Relationships>"})
    assert one.relationships("") == {}
    with pytest.raises(BrokenFile, match="does not say which part is the document"):
        one.main_part()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({"docProps/core.xml": CORE.format("The plan")}, "The plan", id="a title"),
        pytest.param({"docProps/core.xml": CORE.format("PowerPoint Presentation")}, "", id="a program's own"),
        pytest.param({"docProps/core.xml": "<x/>"}, "", id="no properties inside"),
        pytest.param({"x": ""}, "", id="no properties"),
    ],
)
def test_title(parts: dict[str, str], expected: str) -> None:
    """Of the file's properties, if it says something."""
    assert package(parts).title() == expected


def test_switches_and_values() -> None:
    """An element without a value is on."""
    assert is_on(None) is None
    assert [is_on(Element("b", value)) for value in ({}, {"val": "0"}, {"val": "false"}, {"val": "1"})] == [
        True,
        False,
        False,
        True,
    ]
    assert value_of(Element("a"), "b") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, 3, id="none"),
        pytest.param("5", 5, id="a number"),
        pytest.param("-5", 3, id="negative"),
        pytest.param("٥", 3, id="a digit of another script"),
        pytest.param("9" * 5_000, 8, id="absurd"),
    ],
)
def test_number_of(text: str | None, expected: int) -> None:
    """Never more than it may be."""
    assert number_of(text, 3, 8) == expected
