"""Pictures of pages, and the words that were read off them."""

import msgspec


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it looks: one byte a pixel, 0 black, 255 white, row by row from the top.

    `points` are what a pixel measures; `left` and `top` are where the picture's corner stands on its page,
    in points, y upwards.
    """

    width: int
    height: int
    grey: bytes
    points: float
    left: float = 0.0
    top: float = 0.0


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a picture: its box in pixels, y downwards. Words of one line have its number in common."""

    text: str
    line: int
    left: int
    top: int
    right: int
    bottom: int


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a picture: its words, or the trouble because of which there are none.

    `points`, `left` and `top` are the picture's.
    """

    words: tuple[Word, ...] = ()
    trouble: str = ""
    points: float = 1.0
    left: float = 0.0
    top: float = 0.0
