"""The text of a paragraph."""

import pytest

from buttress.knowledge.parsing.docx_styles import Style
from buttress.knowledge.parsing.docx_text import Inline, NoteMark, texts_of_notes
from buttress.knowledge.parsing.xml_parts import elements

STYLES = {"Ghost": Style(is_hidden=True)}


def read(xml: str, *, is_hidden: bool = False, on_paper: bool = False) -> Inline:
    """Read a paragraph."""
    (paragraph,) = elements([f"<p>{xml}</p>".encode()], frozenset({"p"}), "a.docx")
    inline = Inline(STYLES, is_hidden=is_hidden, on_paper=on_paper)
    inline.read(paragraph)
    return inline


def run(text: str, properties: str = "") -> str:
    """Write a run."""
    return f"<r><rPr>{properties}</rPr><t>{text}</t></r>"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(run("a ") + run("b"), "a b", id="runs"),
        pytest.param("<r><t>a</t><tab/><t>b</t><br/><t>c</t><noBreakHyphen/></r>", "a\tb\nc-", id="signs"),
        pytest.param(run("a") + run("no", "<vanish/>"), "a", id="a hidden run"),
        pytest.param(run("a") + run("no", '<rStyle val="Ghost"/>'), "a", id="a run of a hidden style"),
        pytest.param(
            run("a", '<rStyle val="Ghost"/><vanish val="0"/>'), "a", id="a run shown in spite of it"
        ),
        pytest.param(f"<del>{run('no')}</del><ins>{run('yes')}</ins>", "yes", id="changes accepted"),
        pytest.param(f"<moveFrom>{run('no')}</moveFrom><moveTo>{run('yes')}</moveTo>", "yes", id="moved"),
        pytest.param("<r><delText>no</delText><instrText>PAGE</instrText><t>a</t></r>", "a", id="codes"),
        pytest.param(
            f"<hyperlink><sdt><sdtContent>{run('a')}</sdtContent></sdt></hyperlink>", "a", id="wrapped"
        ),
        pytest.param('<r><sym char="2192"/><sym char="F0B7"/><sym char="x"/></r>', "→", id="symbols"),
        pytest.param("<oMath><r><t>x</t></r></oMath>", "x", id="a formula"),
        pytest.param(
            '<r><drawing><docPr descr="A chart of fees"/></drawing></r>',
            "A chart of fees",
            id="a picture described",
        ),
        pytest.param(
            '<r><drawing><docPr descr="img.png"/></drawing></r>', "", id="a picture with a file's name"
        ),
        pytest.param(
            "<commentRangeStart/><r><commentReference id='1'/><t>a</t></r>", "a", id="a comment's mark"
        ),
    ],
)
def test_text(xml: str, expected: str) -> None:
    """As it reads with all changes accepted."""
    assert read(xml).text == expected


def test_a_hidden_paragraph_shows_only_what_says_so() -> None:
    """By its style."""
    assert (
        read(run("no") + run("yes", '<vanish val="0"/>') + "<r><t>no</t></r>", is_hidden=True).text == "yes"
    )


@pytest.mark.parametrize(
    ("properties", "on_paper", "text"),
    [
        pytest.param('<color val="FFFFFF"/>', True, "", id="white on paper"),
        pytest.param('<color val="ffffff"/>', False, "a", id="white on what may be dark"),
        pytest.param('<color val="FFFFFF"/><shd fill="000000"/>', True, "a", id="on a ground of its own"),
        pytest.param('<color val="FFFFFF"/><highlight val="blue"/>', True, "a", id="marked"),
        pytest.param('<color val="EEEEEE"/>', True, "a", id="light grey"),
        pytest.param('<sz val="2"/>', False, "", id="a point high"),
        pytest.param('<sz val="12"/>', True, "a", id="six points high"),
        pytest.param('<sz val="x"/>', True, "a", id="no size at all"),
    ],
)
def test_what_nobody_sees_is_not_read(properties: str, *, on_paper: bool, text: str) -> None:
    assert read(run("a", properties), on_paper=on_paper).text == text


def test_notes_and_boxes_are_kept_apart() -> None:
    """They follow the paragraph."""
    inline = read(
        '<r><t>a</t><footnoteReference id="2"/></r><r><pict><txbxContent><p/></txbxContent></pict></r>'
    )
    assert (inline.text, inline.notes, len(inline.boxes)) == ("a", [NoteMark("Note", "2")], 1)


def test_texts_of_notes() -> None:
    """The rule above them is none."""
    xml = (
        '<d><footnote id="0" type="separator"><p><r><t>-</t></r></p></footnote>'
        '<footnote id="2"><p><r><footnoteRef/><t> See </t></r></p><p><r><t>there.</t></r></p></footnote></d>'
    )
    found = texts_of_notes(elements([xml.encode()], frozenset({"footnote"}), "a"), STYLES)
    assert found == {"2": " See  there."}
