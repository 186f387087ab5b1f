"""JSON Schemas as Anthropic takes them for answers and strict tools: a part of the language. Pure.

An object has no other fields than those it names. Bounds are refused (of numbers, of lengths, of patterns):
they are told in the description, so that the model knows of them, and whoever asked checks them.
"""

from buttress.models.dialects.encoding import encode
from buttress.models.errors import Untranslatable

Schema = dict[str, object]

_BY_NAME = frozenset({"properties", "$defs", "definitions"})
_IN_A_LIST = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_BOUNDS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "maxItems", "uniqueItems", "contains"),
        *("minProperties", "maxProperties", "propertyNames", "patternProperties"),
    }
)
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname"),
        *("uri", "ipv4", "ipv6", "uuid"),
    }
)


def narrowed(schema: Schema) -> Schema:
    """Return `schema` in the part of the language that is taken.

    Raises:
        Untranslatable: it has an object of any fields, or is nested too deeply.
    """
    try:
        return _narrowed(schema)
    except RecursionError as error:
        raise Untranslatable("a schema is nested too deeply", data={"param": "schema"}) from error


def _narrowed(schema: Schema) -> Schema:
    taken = {_word(name): _value(name, value) for name, value in schema.items() if _is_taken(name, value)}
    told = {name: value for name, value in schema.items() if not _is_taken(name, value)}
    if _is_object(schema):
        taken |= {"additionalProperties": _no_others(schema)}
    if told:
        bounds = ", ".join(f"{name}: {_shown(value)}" for name, value in told.items())
        before = f"{schema['description']} " if schema.get("description") else ""
        taken["description"] = f"{before}({bounds})"
    return taken


def _word(name: str) -> str:
    return "anyOf" if name == "oneOf" else name


def _value(name: str, value: object) -> object:
    if name in _BY_NAME and isinstance(value, dict):
        return {key: _inner(one) for key, one in value.items()}
    if name in _IN_A_LIST and isinstance(value, list):
        return [_inner(one) for one in value]
    return _inner(value) if name == "items" else value


def _inner(value: object) -> object:
    return _narrowed(value) if isinstance(value, dict) else value


def _is_taken(name: str, value: object) -> bool:
    if name == "format":
        return isinstance(value, str) and value in _FORMATS
    return value in (0, 1) if name == "minItems" else name not in _BOUNDS


def _is_object(schema: Schema) -> bool:
    kind = schema.get("type")
    return "properties" in schema or kind == "object" or (isinstance(kind, list) and "object" in kind)


def _no_others(schema: Schema) -> bool:
    """Return False, the only `additionalProperties` there are; an object of any fields could have none."""
    if not schema.get("properties") and schema.get("additionalProperties", True) is not False:
        raise Untranslatable(
            "a schema has an object of any fields, which Anthropic's models cannot be held to",
            data={"param": "schema"},
            hint="Name the fields of every object in `properties`, or ask for JSON without a schema.",
        )
    return False


def _shown(value: object) -> str:
    return encode(value).decode()
