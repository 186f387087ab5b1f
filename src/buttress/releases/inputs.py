"""The input of a call as prompts and rules see it. Pure."""

from collections.abc import Mapping

UNSET = None
"""What a property has that was left out and has no default: empty where printed, false in an `if`."""


def complete_input(schema: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """Return `given` with every property that `schema` declares: its `default`, or None, where left out.

    So a prompt may name any declared property, required or not.
    """
    properties = schema.get("properties")
    declared = properties if isinstance(properties, dict) else {}
    return {name: _default(part) for name, part in declared.items()} | dict(given)


def _default(schema: object) -> object:
    return schema.get("default", UNSET) if isinstance(schema, dict) else UNSET
