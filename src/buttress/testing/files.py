"""Files of many parts, written by hand: exactly what a test says is in them, well-formed or not."""

import io
import zipfile
from collections.abc import Mapping, Sequence

_PARTS = "http://schemas.openxmlformats.org"
_WORD = f'xmlns:w="{_PARTS}/wordprocessingml/2006/main" xmlns:mc="{_PARTS}/markup-compatibility/2006"'
_SLIDE = (
    f'xmlns:p="{_PARTS}/presentationml/2006/main" xmlns:a="{_PARTS}/drawingml/2006/main" '
    f'xmlns:r="{_PARTS}/officeDocument/2006/relationships"'
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive of these parts; the same parts give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, method)
    return packed.getvalue()


def relations(*targets: tuple[str, str, str]) -> str:
    """Return a part of relationships: id, kind, target of each."""
    kinds = f"{_PARTS}/officeDocument/2006/relationships"
    inner = "".join(
        f'<Relationship Id="{name}" Type="{kinds}/{kind}" Target="{target}"/>'
        for name, kind, target in targets
    )
    return f'<Relationships xmlns="{_PARTS}/package/2006/relationships">{inner}</Relationships>'


def docx_of(body: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return a DOCX file with this XML (prefix `w`) as its body; `parts` names further ones, without `.xml`.

    Of these `styles`, `numbering`, `footnotes` and `endnotes` hold what is inside their root element.
    """
    more = dict(parts or {})
    known = {
        name: more.pop(name) for name in ("styles", "numbering", "footnotes", "endnotes") if name in more
    }
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relations(("r1", "officeDocument", "word/document.xml")),
            "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(*((name, name, f"{name}.xml") for name in known)),
            **{f"word/{name}.xml": f"<w:{name} {_WORD}>{xml!s}</w:{name}>" for name, xml in known.items()},
            **more,
        }
    )


def pptx_of(slides: Sequence[str], parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return a PPTX file; a slide is the XML (prefixes `p`, `a`) of its shapes, or of a whole `p:sld`."""
    numbers = range(1, len(slides) + 1)
    listed = "".join(f'<p:sldId id="{255 + number}" r:id="r{number}"/>' for number in numbers)
    deck = f"<p:presentation {_SLIDE}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    targets = ((f"r{number}", "slide", f"slides/slide{number}.xml") for number in numbers)
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relations(("r1", "officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": deck,
            "ppt/_rels/presentation.xml.rels": relations(*targets),
            **{f"ppt/slides/slide{number}.xml": slide_of(slides[number - 1]) for number in numbers},
            **(parts or {}),
        }
    )


def slide_of(shapes: str, root: str = "sld", attributes: str = "") -> str:
    """Return the XML of a slide, or of its notes (`root` is `notes`), with these shapes."""
    if shapes.startswith(f"<p:{root}"):
        return shapes
    return f"<p:{root} {_SLIDE} {attributes}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{root}>"


def shape_of(paragraphs: str, kind: str | None = None, attributes: str = "") -> str:
    """Return the XML of a shape: of a place of that kind on the layout, or of a free text box."""
    place = "" if kind is None else f'<p:ph type="{kind}"/>'
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x" {attributes}/><p:nvPr>{place}</p:nvPr></p:nvSpPr>'
        f"<p:txBody>{paragraphs}</p:txBody></p:sp>"
    )


def epub_of(
    pages: Mapping[str, str], parts: Mapping[str, str | bytes] | None = None, title: str = ""
) -> bytes:
    """Return an EPUB file whose reading order is these pages, by their names."""
    items = "".join(
        f'<item id="i{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(pages)
    )
    spine = "".join(f'<itemref idref="i{number}"/>' for number in range(len(pages)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            "OPS/book.opf": (
                f"<package><metadata><title>{title}</title></metadata><manifest>{items}"
                '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>'
                f'<spine toc="ncx">{spine}</spine></package>'
            ),
            **{f"OPS/{name}": page for name, page in pages.items()},
            **(parts or {}),
        }
    )
