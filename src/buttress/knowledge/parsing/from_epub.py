"""EPUB to blocks: the book's own reading order (its spine), each part read as the web page it is.

There are no pages: where they break, each reader decides anew. Tables of contents are left out.
"""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.errors import BrokenFile, Encrypted
from buttress.knowledge.parsing.archives import Archive, place_in
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import short_name
from buttress.knowledge.parsing.decoding import decode_html
from buttress.knowledge.parsing.from_html import add_fragment, close_empty_tags
from buttress.knowledge.parsing.titles import usable_title
from buttress.knowledge.parsing.xml_parts import elements, first_text
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})


class Book(msgspec.Struct, frozen=True):
    """What the package file says: the title, the pages in reading order, the file of chapter names."""

    title: str
    pages: tuple[str, ...]
    contents: str | None


def parse_epub(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. A page without a heading is a section by its name in the table of contents."""
    archive = Archive(data, path, limits)
    book = _read_book(archive, path)
    _refuse_encrypted(archive, book, path)
    names = _chapter_names(archive, book.contents, path)
    builder = DocumentBuilder(path, limits)
    lost = [page for page in book.pages if page not in archive]
    for page in book.pages:
        if page in archive:
            _add_page(builder, archive, page, names.get(page, ""), path)
    warnings = [f"missing, though the book names it: {page[:120]!r}" for page in lost]
    return builder.finish("epub", book.title, warnings=warnings)


def _add_page(builder: DocumentBuilder, archive: Archive, page: str, name: str, path: str) -> None:
    """Begin a section by the page's name in the table of contents, unless it has a heading of its own."""
    text = close_empty_tags(decode_html(archive.read(page), place_in(path, page)))
    lowered = text.lower()
    if name and not any(f"<h{level}" in lowered for level in range(1, 7)):
        builder.enter(1, name)
    add_fragment(builder, text, path)


def _read_book(archive: Archive, path: str) -> Book:
    """Return the book of the first package file that the container names.

    Raises:
        BrokenFile: there is no container, no package, or no page in its reading order.
    """
    place = next((one.get("full-path", "") for one in _each(archive, _CONTAINER, path, "rootfile")), "")
    if place not in archive:
        raise BrokenFile(f"{path} is not whole: its container does not lead to a book")
    package = next(_each(archive, place, path, "package"), None)
    if package is None:
        raise BrokenFile(f"{path} is not whole: {place!r} describes no book")
    items = {one.get("id", ""): one for one in package.iter("item")}
    spine = [items[name] for one in package.iter("itemref") if (name := one.get("idref", "")) in items]
    folder = posixpath.dirname(place)
    found = (_resolve(folder, one.get("href", "")) for one in spine if _is_page(one))
    pages = tuple(dict.fromkeys(found))  # a page stands once in a book, whatever its spine says
    if not any(page in archive for page in pages):
        raise BrokenFile(f"{path} is not whole: there is no page in its reading order (spine)")
    return Book(usable_title(first_text(package, "title")), pages, _contents(package, items, folder))


def _is_page(item: Element) -> bool:
    return item.get("media-type", "") in _PAGES and "nav" not in item.get("properties", "").split()


def _contents(package: Element, items: dict[str, Element], folder: str) -> str | None:
    """Return the name of the NCX file, which EPUB 2 demands and most of EPUB 3 keep."""
    spine = next(package.iter("spine"), None)
    item = items.get(spine.get("toc", "")) if spine is not None else None
    return None if item is None else _resolve(folder, item.get("href", ""))


def _chapter_names(archive: Archive, contents: str | None, path: str) -> dict[str, str]:
    """Return the first name that the table of contents gives each page."""
    names: dict[str, str] = {}
    if contents is None or contents not in archive:
        return names
    folder = posixpath.dirname(contents)
    for tree in _each(archive, contents, path, "navMap"):
        for point in tree.iter("navPoint"):
            target = point.find("content")
            name = short_name(first_text(point, "text"))
            if target is not None and name:
                names.setdefault(_resolve(folder, target.get("src", "")), name)
    return names


def _refuse_encrypted(archive: Archive, book: Book, path: str) -> None:
    """Fonts may be scrambled, pages may not."""
    if _ENCRYPTION not in archive:
        return
    hidden = {unquote(one.get("URI", "")) for one in _each(archive, _ENCRYPTION, path, "CipherReference")}
    if hidden & set(book.pages):
        raise Encrypted(
            f"{path} is protected by its publisher (DRM): its pages are encrypted",
            hint="Take a copy without protection, or exclude the file.",
        )


def _each(archive: Archive, part: str, path: str, name: str) -> Iterator[Element]:
    yield from elements(archive.pieces(part), frozenset({name}), place_in(path, part))


def _resolve(folder: str, href: str) -> str:
    """Return the name inside the archive that `href` leads to; one that leads outside names nothing there."""
    try:
        place = urlsplit(href).path
    except ValueError:
        return ""
    return posixpath.normpath(posixpath.join(folder, unquote(place)))
