"""JSON Schemas (draft 2020-12) of inputs: whether they are ones. Pure."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import jsonschema_rs
import msgspec

from buttress.gateway.compiling.files import TextFile, Unreadable, plain_name
from buttress.kernel.errors import UNDECODABLE, Location, Mistake
from buttress.kernel.located import MAX_DEPTH, Located, did_you_mean, parse_yaml

Files = Mapping[str, TextFile | Unreadable]
Schema = dict[str, object]
Where = Callable[..., Location]
"""From the keys of a part of a schema to its place."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_PLAIN = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose value is data and no schema."""

_KEYWORDS = [
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "$comment",
    "$anchor",
    "type",
    "enum",
    "const",
    "default",
    "title",
    "description",
    "examples",
    "format",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "unevaluatedProperties",
    "items",
    "prefixItems",
    "contains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "readOnly",
    "writeOnly",
    "deprecated",
    "contentEncoding",
    "contentMediaType",
]

_META = jsonschema_rs.Draft202012Validator({"$ref": DRAFT}, offline=True)


def read_schema(located: Located, key: Literal["input"], files: Files) -> Schema | list[Mistake]:
    """Return the schema at `key` of feature.yaml, written there or in the file it names; or its mistakes."""
    value, where = located.get(key), located.at(key)
    if isinstance(value, str):
        return _schema_of_file(value, where, files)
    if not isinstance(value, dict):
        hint = f"Write a JSON Schema, or the name of a file with one: `{key}: {key}.schema.json`."
        return [Mistake(where, f"{key}: expected a JSON Schema", hint)]
    return list(schema_mistakes(value, lambda *keys: located.at(key, *keys))) or value


def input_mistakes(schema: Schema, where: Where) -> list[Mistake]:
    """Return what keeps a right schema from being that of an input."""
    if schema.get("type") != "object":
        hint = "Write `type: object`, and below `properties:` what comes in."
        return [Mistake(where("type"), "the input must be an object", hint)]
    return []


def properties(schema: Schema) -> dict[str, object]:
    """Return the properties that `schema` declares."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def schema_mistakes(schema: Schema, where: Where) -> Iterator[Mistake]:
    """Yield everything that keeps `schema` from being a JSON Schema of draft 2020-12 by itself."""
    mistakes = [
        *_reference_mistakes(schema, where, ()),
        *_meta_mistakes(schema, where),
        *_keyword_mistakes(schema, where, ()),
        *_required_mistakes(schema, where, ()),
    ]
    yield from mistakes
    if mistakes:
        return
    try:
        jsonschema_rs.Draft202012Validator(schema, offline=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        path = getattr(error, "instance_path", [])
        message = getattr(error, "message", None) or str(error)
        yield Mistake(where(*path), f"not a JSON Schema: {_short(message)}", "Mend the schema.")


def _schema_of_file(name: str, where: Location, files: Files) -> Schema | list[Mistake]:
    file = files[plain_name(name)] if name else Unreadable("no file is named", "Name a file.")
    if isinstance(file, Unreadable):
        return [file.at(where)]
    try:
        value = msgspec.json.decode(file.text)
    except UNDECODABLE as error:
        message, hint = f"not JSON: {_short(str(error))}", "Mend the file: quote keys, no comma at the end."
        return [Mistake(Location(file.path), message, hint)]
    if _depth(value) > MAX_DEPTH:
        return [Mistake(Location(file.path), f"nested more than {MAX_DEPTH} levels deep", "Make it flatter.")]
    if not isinstance(value, dict):
        return [Mistake(Location(file.path, 1), "expected a JSON Schema, an object", "Write `{...}`.")]
    at = _places(file)
    return list(schema_mistakes(value, at)) or value


def _places(file: TextFile) -> Where:
    """Return where the parts of a JSON file stand: JSON is nearly YAML, which we can read with lines."""
    located = parse_yaml(file.text.replace("\t", " "), file.path)
    return Located(file.path, {}, {}).at if isinstance(located, Mistake) else located.at


def _depth(value: object) -> int:
    """Return how deep lists and objects are nested, level by level: recursion might not come back."""
    depth, level = 0, [value]
    while level := [one for part in level for one in _inside(part)]:
        depth += 1
        if depth > MAX_DEPTH:
            break
    return depth


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _meta_mistakes(schema: Schema, where: Where) -> Iterator[Mistake]:
    for error in _META.iter_errors(schema):
        path = error.instance_path
        if path[-1:] == ["type"] and isinstance(error.instance, str) and error.instance not in _TYPES:
            hint = did_you_mean(error.instance, _TYPES) or f"There are: {', '.join(_TYPES)}."
            yield Mistake(where(*path), f"no type is called `{error.instance[:80]}`", hint)
        else:
            name = ".".join(str(step) for step in path) or "the schema"
            yield Mistake(where(*path), f"{name}: {_short(error.message)}", "See JSON Schema, draft 2020-12.")


def _reference_mistakes(part: object, where: Where, keys: tuple[str | int, ...]) -> Iterator[Mistake]:
    """Yield each reference that leads out of the schema: nothing is ever fetched."""
    if isinstance(part, list):
        for index, item in enumerate(part):
            yield from _reference_mistakes(item, where, (*keys, index))
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if key in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            message = f"`{value[:80]}` leads out of the schema"
            hint = "Put it below `$defs` and write `#/$defs/NAME`; nothing is fetched."
            yield Mistake(where(*keys, key), message, hint)
        elif key == "$schema" and isinstance(value, str) and value.rstrip("#") != DRAFT:
            message = f"`{value[:80]}` is another draft of JSON Schema"
            yield Mistake(where(*keys, key), message, f"Leave it out, or write {DRAFT}.")
        elif key not in _PLAIN:
            yield from _reference_mistakes(value, where, (*keys, key))


def _keyword_mistakes(part: object, where: Where, keys: tuple[str | int, ...]) -> Iterator[Mistake]:
    """Yield keywords that are nearly ones: JSON Schema ignores what it does not know, and a limit with it."""
    if not isinstance(part, dict):
        return
    for keyword in part:
        near = difflib.get_close_matches(keyword, _KEYWORDS, n=1, cutoff=0.8)
        if near and keyword not in _KEYWORDS and keyword != "example":
            yield Mistake(where(*keys, keyword), f"no keyword is called `{keyword}`", f"Write `{near[0]}`.")
    for name, inner in properties(part).items():
        yield from _keyword_mistakes(inner, where, (*keys, "properties", name))
    yield from _keyword_mistakes(part.get("items"), where, (*keys, "items"))


def _required_mistakes(part: object, where: Where, keys: tuple[str | int, ...]) -> Iterator[Mistake]:
    """Yield required properties that no value can have, since only the declared ones are allowed."""
    if not isinstance(part, dict):
        return
    declared, required = properties(part), part.get("required")
    is_closed = part.get("additionalProperties") is False and "patternProperties" not in part
    for index, name in enumerate(required if is_closed and isinstance(required, list) else []):
        if isinstance(name, str) and name not in declared:
            message = f"`{name[:80]}` is required, but not declared, and nothing else is allowed"
            hint = (
                did_you_mean(name, declared)
                or f"Declare it: `properties: {{{name[:80]}: {{type: string}}}}`."
            )
            yield Mistake(where(*keys, "required", index), message, hint)
    for name, inner in declared.items():
        yield from _required_mistakes(inner, where, (*keys, "properties", name))
    yield from _required_mistakes(part.get("items"), where, (*keys, "items"))


def _short(text: str) -> str:
    return (text.splitlines() or [""])[0][:200]
