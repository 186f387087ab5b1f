"""Cleaning: what is stored, searched and cited holds no control characters, and one form of each letter."""

import re
import unicodedata

_NEWLINES = re.compile("\r\n?|\x85|\u2028|\u2029|\x0b|\x0c")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]"
)
_LIGATURES = {
    "ﬀ": "ff",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬃ": "ffi",
    "ﬄ": "ffl",
    "ﬅ": "st",
    "ﬆ": "st",
    "\uf0b7": "•",
    "\uf0a7": "▪",
}
_LIGATURE = re.compile("[ﬀ-ﬆ\uf0a7\uf0b7]")
_LONG_RUN = re.compile(r"(?:[.!?·…] ?){9,}|([-_=*~#+•])\1{8,}")
_SPACES = re.compile(r"\s+")
_SPACES_IN_LINE = re.compile(r"[^\S\n]+")
_LINE_BREAK = re.compile(r"\s*\n\s*")
_MAX_NAME = 160


def clean(text: str) -> str:
    r"""Return `text` in Unicode's composed form (NFC), lines ended by `\n`, ligatures spelled out.

    Control characters, invisible marks and lone surrogates are dropped; nothing else is.
    """
    text = _INVISIBLE.sub("", _NEWLINES.sub("\n", text))
    text = _LIGATURE.sub(lambda found: _LIGATURES[found.group()], text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def on_one_line(text: str) -> str:
    """Return clean `text` with each run of white space as one blank, and leader dots and rules shortened."""
    return _shorten(_SPACES.sub(" ", text).strip())


def in_lines(text: str) -> str:
    """Return clean `text` with its line breaks, but no blank lines, and one blank for other white space."""
    return _shorten(_LINE_BREAK.sub("\n", _SPACES_IN_LINE.sub(" ", text)).strip())


def short_name(text: str) -> str:
    """Return `text` as a title or a step of a section path: one line, at most 160 characters."""
    name = on_one_line(text)
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1].rstrip() + "…"


def _shorten(text: str) -> str:
    """Leader dots and drawn rules say nothing, and cost tokens."""
    return _LONG_RUN.sub(_first_three, text)


def _first_three(run: re.Match[str]) -> str:
    ends_in_blank = " " if run.group().endswith(" ") else ""
    return run.group().replace(" ", "")[:3] + ends_in_blank
