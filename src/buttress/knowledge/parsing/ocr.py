"""Reads the scanned pages of one document, and says of each why not, where it could not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from buttress.knowledge.errors import OcrFailed, OcrMissing
from buttress.knowledge.parsing.tesseract import Tesseract, require_tesseract
from buttress.knowledge.pictures import Picture, Recognised
from buttress.knowledge.ports import Recogniser
from buttress.knowledge.settings import OcrSettings

NOTHING_FOUND = "no words were found"
_MAX_FAILED = 3
"""After so many pages in succession nothing is expected of the others."""

Pause = Callable[[float], AbstractContextManager[None]]
"""Has nobody count the time of a block that may take so many seconds."""


@contextmanager
def _counted(for_s: float) -> Iterator[None]:  # noqa: ARG001 - nobody waits who could be told
    yield


def open_ocr(settings: OcrSettings, pause: Pause = _counted) -> "Ocr | None":
    """Return what reads the scanned pages of one document; None where the settings name nothing."""
    return Ocr(Tesseract(settings), settings, pause) if settings.engine else None


def require_ocr(settings: OcrSettings) -> str:
    """Make sure that scanned pages can be read, if they are to be; return with what, for people.

    Before documents are taken in: those whose pages could not be read would not be looked at again.

    Raises:
        OcrMissing: the program, or its data for one of the languages, is not there.
        OcrFailed: the program does not work.
    """
    return require_tesseract(settings) if settings.engine else ""


class Ocr:
    """For one document: it counts pages, and gives up where the program does not do its work."""

    def __init__(self, recognise: Recogniser, settings: OcrSettings, pause: Pause) -> None:
        self._recognise = recognise
        self._settings = settings
        self._pause = pause
        self._pages = 0
        self._failed = 0

    def read(self, draw: Callable[[int], Picture]) -> Recognised:
        """Return what is read of a page that `draw` draws, at so many points to an inch; raise nothing."""
        if self._failed >= _MAX_FAILED:
            return Recognised(trouble=f"given up after {_MAX_FAILED} pages that failed")
        if self._pages >= self._settings.max_pages:
            return Recognised(trouble=f"the limit is {self._settings.max_pages:,} pages of a document")
        self._pages += 1
        try:
            return self._read(draw)
        except (OcrFailed, OcrMissing) as error:
            self._failed += 1
            return Recognised(trouble=error.message)

    def _read(self, draw: Callable[[int], Picture]) -> Recognised:
        with self._pause(self._settings.page_timeout_s):
            picture = draw(self._settings.dpi)
            words = tuple(self._recognise(picture))
        self._failed = 0
        return Recognised(
            words=words,
            trouble="" if words else NOTHING_FOUND,
            points=picture.points,
            left=picture.left,
            top=picture.top,
        )
