"""Texts that were cut between the two halves of a surrogate pair, whole again. Pure.

Upstreams and proxies that count text in UTF-16 may cut a picture sign in two, and send each half as an escape
in a chunk of its own. Alone a half is not Unicode, and our decoder does not take it.
"""

import json
from typing import TypeVar

import msgspec

Kind = TypeVar("Kind")


def decode_with_halves(data: str | bytes, kind: type[Kind]) -> Kind:
    """Return the `kind` in `data`, whose texts may hold halves of surrogate pairs.

    Raises:
        ValueError: it is none, or not JSON, or there is no half in it.
        RecursionError: it is nested too deeply.
    """
    text = data if isinstance(data, str) else data.decode()
    if "\\ud" not in text.lower():
        raise ValueError("no half of a surrogate pair in it")
    return msgspec.convert(json.loads(text), kind)


class Halves:
    """Holds back the first half of a pair until the second one comes."""

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        """Return `text` as Unicode, with the half that waited for it before it; may be empty.

        A half whose other one never came is a replacement character.
        """
        if text.isascii() and not self._half:
            return text
        text = self._half + text
        is_cut = "\ud800" <= text[-1:] <= "\udbff"
        self._half, text = (text[-1], text[:-1]) if is_cut else ("", text)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def rest(self) -> str:
        """Return what stands for a half that still waits at the end; mostly nothing."""
        return "\ufffd" if self._half else ""
