"""YAML that remembers its lines, so that whoever finds a mistake in a value can name the line it stands on.

Mistakes are values here (`Mistake`): a file may hold several, and people want to read all of them at once.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_origin

import msgspec
import yaml

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.wording import plain_words

Keys = tuple[str | int, ...]
T = TypeVar("T")

MAX_NODES = 100_000
"""A file that unfolds to more values than this (an alias bomb) is refused."""

MAX_DEPTH = 64
"""A file that nests deeper than this is refused: the C parser recurses, and a deep one ends the process."""

_TAG = "tag:yaml.org,2002:"
_JSON_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "str"))
_TIMESTAMP = _TAG + "timestamp"
_LARGEST_INTEGER = 2**63

_AT = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>[^`]+)`")


class Located(msgspec.Struct, frozen=True):
    """The value of a YAML text (JSON types only), and the 1-based line of each part of it by its keys."""

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
    """Read `text`, which begins on line `first_line` of the file at `path`; an empty text is `{}`.

    The value holds JSON types only: a date stays the text it is written as, all keys are texts.
    """
    try:
        _refuse_size(text, path, first_line)
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


def convert_all(located: Located, kind: type[T], *keys: str | int) -> T | list[Mistake]:
    """Return the part of `located` at `keys` as a `kind`, or everything that keeps it from being one.

    Looks into structs, lists and dicts; of a union of several structs it tells the first mistake only.
    """
    whole = convert(located, kind, *keys)
    if not isinstance(whole, Mistake):
        return whole
    return list(_all_mistakes(located, kind, keys)) or [whole]


def read_entries(
    text: str,
    path: Path,
    whole: type[msgspec.Struct],
    read: Callable[[Located, str], T | list[Mistake]],
    among: Callable[[Located, Sequence[T]], Iterable[Mistake]] = lambda _, __: (),
) -> tuple[T, ...] | list[Mistake]:
    """Return what `text` at `path` declares, in the order of its names; or all its mistakes, by their lines.

    `whole` is the file: a struct of one field, which holds entries by name. `read` makes one entry of what
    stands under a name; `among` finds what is wrong with entries that are right each by itself.
    """
    located = parse_yaml(text, path)
    if isinstance(located, Mistake):
        return [located]
    declaration = convert_all(located, whole)
    if isinstance(declaration, list):
        return declaration
    (field,) = msgspec.structs.fields(whole)
    found = [read(located, name) for name in sorted(getattr(declaration, field.name))]
    entries = tuple(one for one in found if not isinstance(one, list))
    mistakes = [mistake for one in found if isinstance(one, list) for mistake in one]
    mistakes += among(located, entries)
    return sorted(mistakes, key=lambda one: one.where.line or 0) or entries


def _all_mistakes(located: Located, kind: object, keys: Keys) -> Iterator[Mistake]:
    value, struct, item = located.get(*keys), _struct_in(kind), _item_type(kind)
    if struct and isinstance(value, dict):
        yield from _field_mistakes(located, struct, keys, value)
    elif item is not None and isinstance(value, list | dict):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _all_mistakes(located, item, (*keys, key))
    else:
        try:
            msgspec.convert(value, type=kind)
        except msgspec.ValidationError as error:
            yield _mistake(located, kind, keys, str(error))


def _field_mistakes(
    located: Located, struct: type[msgspec.Struct], keys: Keys, value: dict[str, object]
) -> Iterator[Mistake]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                yield _unknown_key(located, name, list(fields), keys)
    for name, field in fields.items():
        if name in value:
            yield from _all_mistakes(located, field.type, (*keys, name))
        elif field.required:
            where, message = located.at(*keys), f"{_name(keys, ())}: `{name}` is missing"
            yield Mistake(where, message, f"Add `{name}:`.")


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
            raise _Refused(_too_many(self._path))
        if len(keys) > MAX_DEPTH:  # an alias of what holds it
            raise _Refused(_too_deep(self._path, self._line(node)))
        if isinstance(node, yaml.MappingNode):
            return {name: self._value(value, (*keys, name)) for name, value in self._pairs(node, keys)}
        if isinstance(node, yaml.SequenceNode):
            return [self._value(value, (*keys, index)) for index, value in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> object:
        where = Location(self._path, self._line(node))
        if node.tag == _TIMESTAMP:
            return str(node.value)
        if node.tag not in _JSON_TAGS:
            message = f"the tag `{node.tag.removeprefix(_TAG)}` is not allowed"
            raise _Refused(Mistake(where, message, "Write plain values: texts, numbers, true, false, null."))
        try:
            value: object = self._scalars.construct_object(node)
        except (ArithmeticError, LookupError, ValueError):  # a tag that does not fit: `!!int x`
            value = float("nan")
        if isinstance(value, int | float) and not _fits_json(value):
            hint = "Use a number that JSON has, or quote it to make it a text."
            raise _Refused(Mistake(where, "a number that cannot be kept exactly, or none", hint))
        return value

    def _pairs(self, node: yaml.MappingNode, keys: Keys) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            name, line = str(key_node.value), self._line(key_node)
            where = Location(self._path, line)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(Mistake(where, "a key that is no text", "Use a text as the key."))
            if name in seen:
                message = f"`{name}` is given twice, first on line {seen[name]}"
                raise _Refused(Mistake(where, message, "Keep one of them."))
            seen[name] = self._lines[*keys, name] = line
            yield name, value_node


def _refuse_size(text: str, path: Path, first_line: int) -> None:
    """Look at the events of `text`, which takes no memory, before nodes are made of them."""
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        values += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            line = event.start_mark.line if event.start_mark else 0
            raise _Refused(_too_deep(path, first_line + line))
        if values > 2 * MAX_NODES:  # a value and its key
            raise _Refused(_too_many(path))


def _too_deep(path: Path, line: int) -> Mistake:
    return Mistake(Location(path, line), f"nested more than {MAX_DEPTH} levels deep", "Make it flatter.")


def _too_many(path: Path) -> Mistake:
    message = f"unfolds to more than {MAX_NODES} values"
    return Mistake(Location(path), message, "Use fewer values, and fewer aliases.")


def _fits_json(value: float) -> bool:
    return abs(value) < _LARGEST_INTEGER if isinstance(value, int) else isfinite(value)


def _mistake(located: Located, kind: object, keys: Keys, message: str) -> Mistake:
    found = _AT.search(message)
    inner = _keys(found["path"]) if found else ()
    message = _AT.sub("", message)
    unknown, missing = _UNKNOWN.match(message), _MISSING.match(message)
    if not unknown:
        hint = f"Add `{missing['name']}:`." if missing else _choice_hint(located, kind, keys, inner)
        said = f"{_name(keys, inner)}: {plain_words(message)}"
        return Mistake(located.at(*keys, *inner), said, hint)
    return _unknown_key(located, unknown["name"], _field_names(kind, inner), (*keys, *inner))


def _choice_hint(located: Located, kind: object, keys: Keys, inner: Keys) -> str:
    """Return which texts may stand at a place that takes only some, or that the value is to be changed."""
    for key in inner:
        kind = _child(kind, key)
    choices = list(_choices(kind))
    if not choices:
        return "Change the value to what is expected."
    return did_you_mean(str(located.get(*keys, *inner)), choices) or f"There are: {', '.join(choices)}."


def _choices(kind: object) -> Iterator[str]:
    for argument in get_args(kind):
        if get_origin(kind) is Literal:
            yield str(argument)
        elif get_origin(kind) not in (list, tuple, dict):
            yield from _choices(argument)


def _unknown_key(located: Located, name: str, known: list[str], keys: Keys) -> Mistake:
    hint = did_you_mean(name, known) or f"Known keys: {', '.join(known)}."
    return Mistake(located.at(*keys, name), f"{_name(keys, ())}: unknown key `{name}`", hint)


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
    return _item_type(kind) or object


def _struct_in(kind: object) -> type[msgspec.Struct] | None:
    """Return the struct that `kind` is, or the only one of a union; None when there is none, or a choice."""
    candidates = (kind, *(() if _item_type(kind) else get_args(kind)))
    structs = [one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return structs[0] if len(structs) == 1 else None


def _item_type(kind: object) -> object | None:
    """Return the type of the items of a list, a tuple of one kind, or a dict by text; None for others."""
    arguments: tuple[object, ...] = get_args(kind)
    origin = get_origin(kind)
    if origin in (list, tuple) and arguments:
        return arguments[0]
    return arguments[1] if origin is dict and arguments[0] is str else None


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return `Did you mean X?` when a known name is close to `name`, else an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean `{close[0]}`?" if close else ""
