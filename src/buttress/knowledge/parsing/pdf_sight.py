"""What can be seen of a PDF's page: which letters nobody sees, and whether it is a picture of a page.

Letters drawn with no ink at all are kept: those are the text that a scanner read off its picture.
"""

import ctypes
from typing import Any, TypeAlias

import pypdfium2.raw as pdfium

from buttress.knowledge.pictures import Picture

Foreign: TypeAlias = Any
"""An object of pypdfium2, which has no types; none leaves the adapter."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

TINY_POINTS = 2.0
"""Letters that are lower are not read by anybody."""

_WHITE = 250
_CONTRAST = 16
"""Steps of 255 from the darkest point to the lightest: with less nothing is to be seen."""

_POINTS_TO_AN_INCH = 72
_MAX_PIXELS = 40_000_000
_MAX_SIDE = 30_000
"""Of a drawn page: a sheet of A3 at 600 points to an inch is drawn coarser."""

_SCANNED = 0.25
"""Pictures that cover so much of a page are what stands on it."""

_WHOLLY = 0.8


class Inks:
    """Tells the colours of letters of a text page."""

    def __init__(self, text_page: Foreign) -> None:
        self._page = text_page
        self._parts = [ctypes.c_uint() for _ in range(4)]

    def is_white(self, index: int) -> bool:
        """Say whether the letter is as good as white, or lets all light through."""
        if not pdfium.FPDFText_GetFillColor(self._page, index, *self._parts):
            return False
        red, green, blue, alpha = (part.value for part in self._parts)
        return min(red, green, blue) >= _WHITE or alpha == 0


def shows_something(page: Foreign, box: Box) -> bool:
    """Say whether anything stands out within `box` when the page is drawn; where that is hard to say, yes."""
    left, bottom, right, top = page.get_bbox()
    crop = (box[0] - left, box[1] - bottom, right - box[2], top - box[3])
    if page.get_rotation() or min(crop) < 0:
        return True
    bitmap = page.render(scale=1, grayscale=True, crop=crop)
    try:
        shades = set(_grey(bitmap))
        return max(shades) - min(shades) >= _CONTRAST if shades else True
    finally:
        bitmap.close()


def drawn(page: Foreign, dpi: int) -> Picture:
    """Return a page as it looks at `dpi` points to an inch; coarser where that is more than can be held."""
    width, height = page.get_size()
    scale = min(
        dpi / _POINTS_TO_AN_INCH, (_MAX_PIXELS / (width * height)) ** 0.5, _MAX_SIDE / max(width, height)
    )
    left, _, _, top = page.get_bbox()
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        grey = _grey(bitmap)
        return Picture(
            width=bitmap.width, height=bitmap.height, grey=grey, points=1 / scale, left=left, top=top
        )
    finally:
        bitmap.close()


def _grey(bitmap: Foreign) -> bytes:
    """Return the pixels row by row, without what fills up a row in memory."""
    filled = memoryview(bitmap.buffer)
    return b"".join(filled[at * bitmap.stride :][: bitmap.width] for at in range(bitmap.height))


def is_scanned(page: Foreign, *, wholly: bool = False) -> bool:
    """Say whether pictures cover enough of a page to be what it says, or all of it but a margin."""
    pictures = page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,))
    left, bottom, right, top = page.get_bbox()
    covered = sum(_area(_on_page(one)) for one in pictures)
    return covered >= (_WHOLLY if wholly else _SCANNED) * max(1.0, _area((left, bottom, right, top)))


def _on_page(picture: Foreign) -> Box:
    """Return where a picture stands on its page; the library says it within the form that holds it."""
    box, form = picture.get_bounds(), picture.container
    while form is not None:
        box, form = form.get_matrix().on_rect(*box), form.container
    return tuple(box)


def _area(box: Box) -> float:
    left, bottom, right, top = box
    return max(0.0, right - left) * max(0.0, top - bottom)
