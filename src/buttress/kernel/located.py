"""YAML that remembers its lines, so that whoever finds a mistake in a value can name the line it stands on.

Mistakes are values here (`Mistake`): a file may hold several, and people want to read all of them at once.
"""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar, get_args

import msgspec
import yaml

from buttress.kernel.errors import Location, Mistake

Keys = tuple[str | int, ...]
T = TypeVar("T")

MAX_NODES = 100_000
"""A file that unfolds to more values than this (an alias bomb) is refused."""

_AT = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>[^`]+)`")


class Located(msgspec.Struct, frozen=True):
    """The plain value of a YAML text, and the 1-based line of each part of it by its keys."""

    path: Path
    value: object
    lines: dict[Keys, int]

    def at(self, *keys: str | int) -> Location:
        """Return where the part at `keys` stands; where its nearest parent does if it is not there."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return Location(self.path, self.lines.get(keys, 1))

    def get(self, *keys: str | int) -> object:
        """Return the part at `keys`; None when there is none."""
        value = self.value
        for key in keys:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value


def parse_yaml(text: str, path: Path, *, first_line: int = 1) -> Located | Mistake:
    """Read `text`, which begins on line `first_line` of the file at `path`; an empty text is `{}`."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        value, lines = _Unfolding(path, first_line).unfold(node) if node else ({}, {(): first_line})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + mark.line if mark else None
        problem = error.problem or "not YAML"
        return Mistake(
            Location(path, line),
            problem,
            "Mend the YAML: indent with blanks, quote texts that hold `: ` or `#`.",
        )
    except (yaml.YAMLError, ValueError) as error:
        return Mistake(
            Location(path), str(error).splitlines()[0], "Mend the YAML; it must be plain text in UTF-8."
        )
    except _Refused as refused:
        return refused.mistake
    return Located(path, value, lines)


def convert(located: Located, kind: type[T], *keys: str | int) -> T | Mistake:
    """Return the part of `located` at `keys` as a `kind`, or the first thing that keeps it from being one."""
    try:
        return msgspec.convert(located.get(*keys), type=kind)
    except msgspec.ValidationError as error:
        return _mistake(located, kind, keys, str(error))


class _Refused(Exception):
    """Ends the unfolding of a YAML text at a mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class _Unfolding:
    """Turns YAML nodes into plain values, noting the line of each."""

    def __init__(self, path: Path, first_line: int) -> None:
        self._path = path
        self._first_line = first_line
        self._lines: dict[Keys, int] = {}
        self._scalars = yaml.constructor.SafeConstructor()

    def unfold(self, node: yaml.Node) -> tuple[object, dict[Keys, int]]:
        return self._value(node, ()), self._lines

    def _line(self, node: yaml.Node) -> int:
        return self._first_line + int(node.start_mark.line)

    def _value(self, node: yaml.Node, keys: Keys) -> object:
        self._lines.setdefault(keys, self._line(node))
        if len(self._lines) > MAX_NODES:
            raise _Refused(
                Mistake(
                    Location(self._path), f"unfolds to more than {MAX_NODES} values", "Use fewer aliases."
                )
            )
        if isinstance(node, yaml.MappingNode):
            return {name: self._value(value, (*keys, name)) for name, value in self._pairs(node, keys)}
        if isinstance(node, yaml.SequenceNode):
            return [self._value(value, (*keys, index)) for index, value in enumerate(node.value)]
        return self._scalars.construct_object(node)

    def _pairs(self, node: yaml.MappingNode, keys: Keys) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            name, line = str(key_node.value), self._line(key_node)
            if name in seen:
                where = Location(self._path, line)
                raise _Refused(
                    Mistake(
                        where, f"`{name}` is given twice, first on line {seen[name]}", "Keep one of them."
                    )
                )
            seen[name] = self._lines[*keys, name] = line
            yield name, value_node


def _mistake(located: Located, kind: object, keys: Keys, message: str) -> Mistake:
    found = _AT.search(message)
    inner = _keys(found["path"]) if found else ()
    message = _AT.sub("", message)
    unknown = _UNKNOWN.match(message)
    if not unknown:
        return Mistake(
            located.at(*keys, *inner),
            f"{_name(keys, inner)}: {message}",
            "Change the value to what is expected.",
        )
    name, known = unknown["name"], _field_names(kind, inner)
    hint = did_you_mean(name, known) or f"Known keys: {', '.join(known)}."
    return Mistake(located.at(*keys, *inner, name), f"{_name(keys, inner)}: unknown key `{name}`", hint)


def _name(keys: Keys, inner: Keys) -> str:
    return ".".join(str(key) for key in (*keys, *inner)) or "the file"


def _keys(path: str) -> Keys:
    steps = (step["name"] or step["index"] for step in _STEP.finditer(path))
    return tuple(int(step) if step.isdigit() else step for step in steps)


def _field_names(kind: object, keys: Keys) -> list[str]:
    for key in keys:
        kind = _child(kind, key)
    struct = _struct_in(kind)
    return [field.encode_name for field in msgspec.structs.fields(struct)] if struct else []


def _child(kind: object, key: str | int) -> object:
    struct = _struct_in(kind)
    if struct and isinstance(key, str):
        return next(
            (field.type for field in msgspec.structs.fields(struct) if field.encode_name == key), object
        )
    return next(iter(get_args(kind)[-1:]), object)


def _struct_in(kind: object) -> type[msgspec.Struct] | None:
    candidates = (kind, *get_args(kind))
    return next(
        (one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)), None
    )


def did_you_mean(name: str, known: list[str]) -> str:
    """Return `Did you mean X?` when a known name is close to `name`, else an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean `{close[0]}`?" if close else ""
