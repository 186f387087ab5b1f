"""One document's scanned pages: counted, given up, paused for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from buttress.knowledge.errors import OcrFailed, OcrMissing
from buttress.knowledge.parsing.ocr import NOTHING_FOUND, Ocr, open_ocr, require_ocr
from buttress.knowledge.pictures import Picture, Word
from buttress.knowledge.settings import OcrSettings
from buttress.testing.contracts.recogniser import white

WORD = Word(text="a", line=0, left=1, top=1, right=2, bottom=2)
SETTINGS = OcrSettings(engine="tesseract", page_timeout_s=7, max_pages=10)


class Reader:
    """Reads a word, or nothing (-), or fails (!), page by page as it is told; and notes pauses."""

    def __init__(self, pages: str) -> None:
        self._pages = iter(pages)
        self.pauses: list[float] = []

    def __call__(self, picture: Picture) -> Sequence[Word]:
        """See `ports.Recogniser`."""
        assert picture.width == 10
        page = next(self._pages)
        if page == "!":
            raise OcrFailed("it failed")
        return () if page == "-" else (WORD,)

    def draw(self, dpi: int) -> Picture:
        """Draw a page: that takes its time, too."""
        assert self.pauses[-1] == SETTINGS.page_timeout_s
        return draw(dpi)

    @contextmanager
    def pause(self, for_s: float) -> Iterator[None]:
        """Note how long, and that it ends."""
        self.pauses.append(for_s)
        try:
            yield
        finally:
            self.pauses.append(0)


def draw(dpi: int) -> Picture:
    """Draw a page."""
    assert dpi == SETTINGS.dpi
    return white(10, 10)


@pytest.mark.parametrize(
    ("pages", "troubles"),
    [
        pytest.param("a-a", ["", NOTHING_FOUND, ""], id="a page of nothing"),
        pytest.param("!!a!!a", ["it failed", "it failed", ""] * 2, id="failures between"),
        pytest.param(
            "!!!aa",
            ["it failed"] * 3 + ["given up after 3 pages that failed"] * 2,
            id="three in succession",
        ),
        pytest.param("a" * 11, [""] * 10 + ["the limit is 10 pages of a document"], id="too many"),
    ],
)
def test_why_a_page_was_not_read(pages: str, troubles: list[str]) -> None:
    reader = Reader(pages)
    ocr = Ocr(reader, SETTINGS, reader.pause)
    found = [ocr.read(reader.draw) for _ in pages]
    assert [one.trouble for one in found] == troubles
    assert all(bool(one.words) == (not one.trouble) for one in found)
    assert reader.pauses == [7, 0] * (len(reader.pauses) // 2)


def test_what_is_not_switched_on_is_not_asked_for() -> None:
    assert open_ocr(OcrSettings(program="nobody")) is None
    assert require_ocr(OcrSettings(program="nobody")) == ""


def test_a_program_that_is_not_there_is_told_before_and_while() -> None:
    settings = OcrSettings(engine="tesseract", program="tesseract-of-nobody")
    with pytest.raises(OcrMissing) as caught:
        require_ocr(settings)
    assert "apt install" in caught.value.hint
    ocr = open_ocr(settings)
    assert ocr is not None
    assert ocr.read(draw).trouble == "the program `tesseract-of-nobody` is not installed"
