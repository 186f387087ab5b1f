"""What every `knowledge.ports.Recogniser` promises."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from buttress.knowledge.pictures import Picture, Word
from buttress.knowledge.ports import Recogniser


def white(width: int, height: int) -> Picture:
    """Return a picture of nothing, at 300 points to an inch."""
    return Picture(width=width, height=height, grey=b"\xff" * (width * height), points=72 / 300)


def noise(width: int, height: int) -> Picture:
    """Return a picture of no letters: points in an order that nothing is read from."""
    grey = bytes((at * at * 7 + at * 31) % 256 for at in range(width * height))
    return Picture(width=width, height=height, grey=grey, points=72 / 300)


class RecogniserContract:
    """Subclass it and give three fixtures.

    `recognise`; `picture`: two lines of printed English, `expected`: their words.
    """

    def test_the_words_come_in_reading_order(
        self, recognise: Recogniser, picture: Picture, expected: list[list[str]]
    ) -> None:
        """Line by line, each with a number of its own."""
        lines: dict[int, list[str]] = {}
        for word in recognise(picture):
            lines.setdefault(word.line, []).append(word.text)
        assert list(lines.values()) == expected

    def test_boxes_lie_within_the_picture_and_go_from_left_to_right(
        self, recognise: Recogniser, picture: Picture
    ) -> None:
        """What is made of them is where a word stands on its page."""
        words = recognise(picture)
        self._check_boxes(words, picture)
        for before, word in pairwise(words):
            assert word.left >= before.right if word.line == before.line else word.top >= before.top

    def test_the_same_picture_gives_the_same_words(self, recognise: Recogniser, picture: Picture) -> None:
        """Ids are made of what is read."""
        assert list(recognise(picture)) == list(recognise(picture))

    @pytest.mark.parametrize(
        "blank",
        [
            pytest.param(white(600, 400), id="an empty sheet"),
            pytest.param(white(1, 1), id="a single point"),
        ],
    )
    def test_nothing_to_read_gives_no_words(self, recognise: Recogniser, blank: Picture) -> None:
        """It is no error: a page may hold a drawing."""
        assert list(recognise(blank)) == []

    def test_whatever_is_read_into_noise_lies_within_it(self, recognise: Recogniser) -> None:
        """A photograph is a page, too."""
        picture = noise(300, 200)
        self._check_boxes(recognise(picture), picture)

    @staticmethod
    def _check_boxes(words: Sequence[Word], picture: Picture) -> None:
        for word in words:
            assert word.text
            assert not set(word.text) & set(" \t\r\n")
            assert 0 <= word.left < word.right <= picture.width
            assert 0 <= word.top < word.bottom <= picture.height
