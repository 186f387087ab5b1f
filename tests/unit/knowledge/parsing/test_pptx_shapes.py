"""The shapes of a slide."""

import pytest

from buttress.knowledge.parsing.pptx_shapes import Line, Shape, lines_of, rows_of, shapes_of
from buttress.knowledge.parsing.xml_parts import elements
from buttress.testing.files import shape_of, slide_of


def shapes(xml: str) -> list[Shape]:
    """Return the shapes of a slide."""
    (slide,) = elements([slide_of(xml).encode()], frozenset({"sld"}), "a.pptx")
    return [*shapes_of(slide)]


def point(text: str, properties: str = "") -> str:
    """Write a paragraph."""
    return f"<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(shape_of(point("a")), [Line("a")], id="a text box"),
        pytest.param(shape_of(point("a"), "body"), [Line("a", is_item=True)], id="the slide's list"),
        pytest.param(shape_of(point("a"), "subTitle"), [Line("a")], id="a subtitle"),
        pytest.param(shape_of(point("a", "<a:pPr><a:buNone/></a:pPr>"), "body"), [Line("a")], id="no bullet"),
        pytest.param(
            shape_of(point("a", '<a:pPr lvl="2"><a:buChar char="o"/></a:pPr>')),
            [Line("a", is_item=True, level=2)],
            id="a bullet of its own",
        ),
        pytest.param(
            shape_of("<a:p><a:r><a:t>a</a:t></a:r><a:br/><a:fld><a:t>b</a:t></a:fld></a:p>"),
            [Line("a\nb")],
            id="a break, and a field",
        ),
        pytest.param(shape_of(point("7"), "sldNum"), [], id="the slide's number"),
        pytest.param(shape_of(point("no"), attributes='hidden="1"'), [], id="a hidden shape"),
        pytest.param(f"<p:grpSp>{shape_of(point('a'))}</p:grpSp>", [Line("a")], id="a group"),
        pytest.param(
            f'<p:grpSp><p:nvGrpSpPr><p:cNvPr hidden="1"/></p:nvGrpSpPr>{shape_of(point("no"))}</p:grpSp>',
            [],
            id="a hidden group",
        ),
        pytest.param(
            '<p:pic><p:nvPicPr><p:cNvPr descr="A map of the town"/></p:nvPicPr></p:pic>',
            [Line("A map of the town")],
            id="a picture described",
        ),
    ],
)
def test_lines(xml: str, expected: list[Line]) -> None:
    """What a reader of the slide sees."""
    assert [line for shape in shapes(xml) for line in lines_of(shape)] == expected


def test_a_table_gives_its_cells() -> None:
    """A cell that another one covers is empty."""
    cells = "".join(f"<a:tc><a:txBody>{point(text)}</a:txBody></a:tc>" for text in ("a", "b"))
    covered = '<a:tc hMerge="1"><a:txBody><a:p/></a:txBody></a:tc>'
    (shape,) = shapes(f"<p:graphicFrame><a:tbl><a:tr>{cells}{covered}</a:tr></a:tbl></p:graphicFrame>")
    assert shape.table is not None
    assert [*rows_of(shape.table)] == [["a", "b", ""]]


def test_titles() -> None:
    """Of two kinds."""
    xml = shape_of(point("a"), "title") + shape_of(point("b"), "ctrTitle") + shape_of(point("c"), "body")
    assert [shape.is_title for shape in shapes(xml)] == [True, True, False]
