"""The numbers of lists."""

import pytest

from buttress.knowledge.parsing.docx_numbering import Numbering, roman
from buttress.knowledge.parsing.xml_parts import elements


def level(place: int, kind: str, pattern: str, start: int = 1) -> str:
    """Write a level of a list."""
    return f'<lvl ilvl="{place}"><start val="{start}"/><numFmt val="{kind}"/><lvlText val="{pattern}"/></lvl>'


def numbering(*levels: str, override: str = "") -> Numbering:
    """Return lists 1 and 2 of one shape; the second may begin anew."""
    xml = (
        f'<d><abstractNum abstractNumId="9">{"".join(levels)}</abstractNum>'
        '<num numId="1"><abstractNumId val="9"/></num>'
        f'<num numId="2"><abstractNumId val="9"/>{override}</num></d>'
    )
    return Numbering(elements([xml.encode()], frozenset({"abstractNum", "num"}), "a.docx"))


@pytest.mark.parametrize(
    ("levels", "places", "expected"),
    [
        pytest.param([level(0, "bullet", "o")], [0, 0], ["- ", "- "], id="bullets"),
        pytest.param([level(0, "decimal", "%1.")], [0, 0], ["1. ", "2. "], id="numbers"),
        pytest.param([level(0, "decimal", "%1)", 5)], [0, 0], ["5) ", "6) "], id="from five on"),
        pytest.param(
            [level(0, "upperRoman", "%1."), level(1, "lowerLetter", "%1.%2")],
            [0, 1, 1, 0, 1],
            ["I. ", "I.a ", "I.b ", "II. ", "II.a "],
            id="a level begins anew below the next number",
        ),
        pytest.param(
            [level(1, "decimal", "%1.%2")], [1], ["1.1 "], id="a level whose parent was never counted"
        ),
        pytest.param([level(0, "none", "")], [0], [""], id="no sign"),
        pytest.param([], [0], ["- "], id="a list nobody describes"),
    ],
)
def test_labels(levels: list[str], places: list[int], expected: list[str]) -> None:
    """As Word would count."""
    counted = numbering(*levels)
    assert [counted.next_label("1", place) for place in places] == expected


def test_lists_of_one_shape_go_on_unless_they_say_otherwise() -> None:
    """Word does it so."""
    override = '<lvlOverride ilvl="0"><startOverride val="1"/></lvlOverride>'
    going_on, anew = (
        numbering(level(0, "decimal", "%1.")),
        numbering(level(0, "decimal", "%1."), override=override),
    )
    assert [going_on.next_label(name, 0) for name in "112"] == ["1. ", "2. ", "3. "]
    assert [anew.next_label(name, 0) for name in "1122"] == ["1. ", "2. ", "1. ", "2. "]


def test_letters_and_numerals_go_on() -> None:
    """Past the end of the alphabet, and where Rome had no sign."""
    letters = numbering(level(0, "lowerLetter", "%1"))
    assert [letters.next_label("1", 0) for _ in range(28)][25:] == ["z ", "aa ", "bb "]
    assert [roman(number) for number in (4, 9, 14, 1994, 0, 4000)] == [
        "iv",
        "ix",
        "xiv",
        "mcmxciv",
        "0",
        "4000",
    ]
