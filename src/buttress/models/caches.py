"""The `cache` of models and ladders in models.yaml: how answers to who asks them by their names are kept."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from buttress.kernel.cached import KeepPolicy
from buttress.kernel.catalogue import Ladder, Model
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located

SECTIONS = ("models", "ladders")
_CACHE = "cache"


def read_caches(located: Located, names: Iterable[str]) -> dict[str, KeepPolicy]:
    """Return how the answers of those of `names` are kept that say so; their entries have no mistakes."""
    found = ((name, _cache_in(located, section, name)) for name in names for section in SECTIONS)
    return {name: msgspec.convert(cache, KeepPolicy) for name, cache in found if cache is not None}


def odd_caches(
    located: Located,
    models: Mapping[str, Model | list[Mistake]],
    ladders: Mapping[str, Ladder | list[Mistake]],
    silent: Collection[str],
) -> Iterator[Mistake]:
    """Yield a mistake for each cache of what nobody asks in words: its providers are all among `silent`."""
    mute = {one.name for one in models.values() if isinstance(one, Model) and one.provider in silent}
    asked = {("models", name): (name,) for name in models} | {
        ("ladders", name): one.names for name, one in ladders.items() if isinstance(one, Ladder)
    }
    for (section, name), names in asked.items():
        if mute.issuperset(names) and _cache_in(located, section, name) is not None:
            message = f"{section}.{name}.{_CACHE}: only what a model says in answers is kept"
            yield Mistake(located.at(section, name, _CACHE), message, "Leave it out.")


def _cache_in(located: Located, section: str, name: str) -> object:
    entry = located.get(section, name)
    return entry.get(_CACHE) if isinstance(entry, dict) else None
