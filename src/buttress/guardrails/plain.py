"""What a reader sees of a text, and the letters and digits it is made of. Pure."""

import re
import unicodedata

_UNSEEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
_KEPT = frozenset("\t\n\r")
_JOINERS = frozenset("\u200c\u200d")
"""Letters of some languages, and emoji, need them to be written rightly."""
_STRUCK = re.compile("[\u0334-\u0338\u20d2-\u20d3\u20d8-\u20e5]")
_RAISED = re.compile(r"(?<=[^\W\d_⁰¹²³⁴-⁹])[⁰¹²³⁴-⁹]+")


def visible(text: str) -> str:
    """Return `text` without what hides or turns it: controls, also of direction; strokes over it."""
    if text.isascii() and text.isprintable():
        return text
    return _STRUCK.sub("", "".join(one for at, one in enumerate(text) if _is_seen(one, at, text)))


def _is_seen(one: str, at: int, text: str) -> bool:
    if one in _KEPT or one.isprintable():
        return True
    if one in _JOINERS:
        return 0 < at < len(text) - 1 and not (text[at - 1].isascii() or text[at + 1].isascii())
    return unicodedata.category(one) not in _UNSEEN


def plain(text: str) -> str:
    """Return the text as it is read: `⑨` is 9, a wide letter is a letter; a footnote's number is none."""
    if text.isascii():
        return text
    seen = unicodedata.normalize("NFKC", _RAISED.sub(" ", visible(text)))
    return "".join(map(_digit, seen))


def _digit(one: str) -> str:
    return str(unicodedata.digit(one)) if one.isdigit() and not one.isascii() else one


def is_mixed(word: str) -> bool:
    """Say whether a word is made of letters of two scripts, so that it looks like another one."""
    if word.isascii():
        return False
    if unicodedata.name(word[-1], "").startswith("GREEK"):
        word = word[:-1]  # as in a name of science: RORγ
    scripts = {unicodedata.name(one, "").partition(" ")[0] for one in word if one.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}) > 1
