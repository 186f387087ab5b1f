"""Every setting with its value, where it came from, its bounds and its help."""

from functools import reduce
from pathlib import Path

import msgspec
from msgspec import inspect

from buttress.kernel.located import Keys
from buttress.kernel.secrets import mask_password
from buttress.settings.loading import Loaded
from buttress.settings.tree import Settings, setting_keys


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, as people and programs read it."""

    name: str
    value: object
    default: object
    origin: str
    help: str


def list_settings(loaded: Loaded) -> list[Setting]:
    """Return every setting of `loaded`, in the order of the tree; passwords in URLs are masked."""
    return [
        Setting(
            name=".".join(str(key) for key in keys),
            value=_shown(_at(loaded.tree, keys)),
            default=_shown(_at(Settings(), keys)),
            origin=_origin(loaded, keys),
            help=_description(inspect.type_info(field.type)),
        )
        for keys, field in setting_keys()
    ]


def default_settings() -> list[Setting]:
    """Return every setting there is, at its default."""
    return list_settings(Loaded(Path(), Settings(), {}))


def _origin(loaded: Loaded, keys: Keys) -> str:
    """Return where the setting at `keys`, or the mapping that holds it, came from."""
    given = (keys[:length] for length in range(len(keys), 0, -1) if keys[:length] in loaded.origins)
    return next((loaded.origins[one] for one in given), "default")


def _at(tree: msgspec.Struct, keys: Keys) -> object:
    return reduce(lambda part, key: getattr(part, str(key)), keys, tree)


def _description(kind: inspect.Type) -> str:
    described = kind.extra_json_schema if isinstance(kind, inspect.Metadata) else None
    return str((described or {}).get("description", ""))


def _shown(value: object) -> object:
    if isinstance(value, str):
        return mask_password(value)
    return msgspec.to_builtins(value)
