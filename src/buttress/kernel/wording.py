"""Plain words: of how many there are, and what msgspec says about a value. Pure."""

import re

_KINDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "keys with values",
    "str": "a text",
}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_UNITS = {"str": "characters", "array": "entries", "object": "entries"}

_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_OTHER_KIND = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<found>[^`]+)`")
_BOUND = re.compile(r"Expected `\w+` (?P<sign>[<>]=?) (?P<bound>\S+)")
_LENGTH = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<sign>[<>]=?) (?P<bound>\d+)")
_PATTERN = re.compile(r"Expected `str` matching regex (?P<pattern>.+)")
_CHOICE = re.compile(r"Invalid enum value (?P<value>.+)")


def counted(count: int, what: str) -> str:
    """Return how many there are of `what`, which gets an `s` where they are more or fewer than one."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def plain_words(message: str) -> str:
    """Return `message`, as msgspec gives it without its place, in plain words; an unknown one as it is."""
    for pattern, say in _SAID:
        found = pattern.fullmatch(message)
        if found:
            return say(found)
    return message


def _missing(found: re.Match[str]) -> str:
    return f"`{found['name']}` is missing"


def _other_kind(found: re.Match[str]) -> str:
    return f"expected {_kinds(found['wanted'])}, found {_kinds(found['found'])}"


def _bound(found: re.Match[str]) -> str:
    return f"expected {_BOUNDS[found['sign']]} {found['bound'].removesuffix('.0')}"


def _length(found: re.Match[str]) -> str:
    if found["sign"] == ">=" and found["bound"] == "1":
        return "expected something, found nothing"
    unit = _UNITS.get(found["kind"], "of them")
    return f"expected {_BOUNDS[found['sign']]} {found['bound']} {unit}"


def _pattern(found: re.Match[str]) -> str:
    return f"expected a text of the form {found['pattern']}"


def _choice(found: re.Match[str]) -> str:
    return f"{found['value']} is none of the values that are known"


def _kinds(names: str) -> str:
    return " or ".join(_KINDS.get(name, name) for name in names.split(" | "))


_SAID = (
    (_MISSING, _missing),
    (_OTHER_KIND, _other_kind),
    (_BOUND, _bound),
    (_LENGTH, _length),
    (_PATTERN, _pattern),
    (_CHOICE, _choice),
)
