"""Reading `knowledge/NAME.yaml`: mistakes are values, all of them at once."""

import re
from pathlib import Path

import msgspec

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean, parse_yaml
from buttress.knowledge.sources.declared import KINDS, Oddity, oddities
from buttress.knowledge.types import ChunkSettings, DeclaredSource, KnowledgeBase, SearchSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_READER = re.compile(r"\*|(user|group):\S.*")
_READERS_HINT = (
    'Add `readers: ["*"]` for everybody of the tenant, or name some: `readers: ["group:NAME", "user:NAME"]`.'
)
_NO_READERS = "`readers` is missing"
_POSSIBLE = ", ".join(f"`{place}:`" for place in KINDS)


_EVERY = re.compile(r"(?P<number>\d{1,6}) ?(?P<unit>[smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SHORTEST_S, _LONGEST_S = 10, 366 * 86_400


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often `buttress serve` syncs it: a number and a unit, `15m`; empty: never."""

    every: str | int | float | None = None


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A knowledge base as it stands in its file; the name is the file's, and sources are read one by one."""

    sources: list[object]
    tenant: str = "default"
    chunks: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()
    sync: SyncSettings = SyncSettings()


def read_knowledge_bases(folder: Path) -> dict[str, KnowledgeBase] | list[Mistake]:
    """Return the knowledge bases declared in `folder`, by name; or everything wrong with all the files."""
    found = [read_knowledge_base(path) for path in sorted(folder.glob("*.yaml"))]
    mistakes = [
        *(mistake for one in found if isinstance(one, list) for mistake in one),
        *(_misnamed(path) for path in sorted(folder.glob("*.yml"))),
    ]
    return mistakes or {one.name: one for one in found if isinstance(one, KnowledgeBase)}


def _misnamed(path: Path) -> Mistake:
    return Mistake(
        Location(path), "this file is not read: it must end in .yaml", f"Call it `{path.stem}.yaml`."
    )


def read_knowledge_base(path: Path) -> KnowledgeBase | list[Mistake]:
    """Return the knowledge base declared in the file at `path`, or everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        return [Mistake(Location(path), f"{reason}", "Create the file, or let Buttress read it.")]
    except UnicodeDecodeError as error:
        return [Mistake(Location(path), f"byte {error.start} is not UTF-8", "Save the file as UTF-8.")]
    located = parse_yaml(text, path)
    if isinstance(located, Mistake):
        return [located]
    return _declared(located)


def _declared(located: Located) -> KnowledgeBase | list[Mistake]:
    declaration = convert_all(located, Declaration)
    read = [_read_source(located, index) for index in range(_length(located.get("sources")))]
    sources = [one for one in read if not isinstance(one, list)]
    mistakes = [
        *_reader_mistakes(located),
        *_name_mistakes(located),
        *_every_mistakes(located),
        *(_worded(mistake) for one in read if isinstance(one, list) for mistake in one),
    ]
    if isinstance(declaration, list):
        return _in_order([*mistakes, *declaration])
    mistakes += _same_names(located, sources) if len(sources) == len(read) else []
    if mistakes or not sources:
        return _in_order(mistakes) or [_no_source(located)]
    return KnowledgeBase(
        name=located.path.stem,
        sources=tuple(sources),
        tenant=declaration.tenant,
        chunks=declaration.chunks,
        search=declaration.search,
        sync_every_s=_seconds(declaration.sync.every),
    )


def _seconds(every: object) -> float | None:
    """Return the length of time that is written as `every`; None where it is no such length."""
    found = _EVERY.fullmatch(every) if isinstance(every, str) else None
    seconds = int(found["number"]) * _UNITS[found["unit"]] if found else 0
    return seconds if _SHORTEST_S <= seconds <= _LONGEST_S else None


def _every_mistakes(located: Located) -> list[Mistake]:
    every = located.get("sync", "every")
    if every is None or _seconds(every) is not None:
        return []
    message = f"sync.every: `{every}` is no length of time between 10 seconds and a year"
    return [
        Mistake(located.at("sync", "every"), message, "Write a number and a unit: `30s`, `15m`, `2h`, `1d`.")
    ]


def _in_order(mistakes: list[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda one: one.where.line or 0)


def _read_source(located: Located, index: int) -> DeclaredSource | list[Mistake]:
    value = located.get("sources", index)
    if not isinstance(value, dict):
        return [_no_place(located, index, [])]
    places = [key for key in KINDS if key in value]
    if "git" in places and "folder" in places:
        places.remove("folder")  # of a repository a folder may be meant
    match places:
        case [place]:
            return _read_as(located, index, KINDS[place])
        case []:
            return [_no_place(located, index, list(value))]
        case _:
            return [_two_places(located, index, places)]


def _read_as(located: Located, index: int, kind: type[DeclaredSource]) -> DeclaredSource | list[Mistake]:
    source = convert_all(located, kind, "sources", index)
    if isinstance(source, list):
        return source
    return [_odd(located, index, one) for one in oddities(source)] or source


def _odd(located: Located, index: int, oddity: Oddity) -> Mistake:
    part = () if oddity.index is None else (oddity.index,)
    keys = ("sources", index, oddity.key, *part)
    message = f"{'.'.join(str(key) for key in keys)}: {oddity.message}"
    return Mistake(located.at(*keys), message, oddity.hint)


def _no_place(located: Located, index: int, found: list[str]) -> Mistake:
    nearly = next((hint for key in found if (hint := did_you_mean(key, KINDS))), "")
    message = f"sources.{index}: it is not said where the documents are"
    return Mistake(located.at("sources", index), message, nearly or f"Add one of {_POSSIBLE}.")


def _two_places(located: Located, index: int, places: list[str]) -> Mistake:
    named = " and ".join(f"`{one}`" for one in places)
    message = f"sources.{index}: {named} in one source"
    return Mistake(located.at("sources", index, places[1]), message, f"A source has one of {_POSSIBLE}.")


def _worded(mistake: Mistake) -> Mistake:
    if not mistake.message.endswith(_NO_READERS):
        return mistake
    message = mistake.message.replace(_NO_READERS, f"{_NO_READERS}: it is not said who may see the documents")
    return Mistake(mistake.where, message, _READERS_HINT)


def _reader_mistakes(located: Located) -> list[Mistake]:
    """Return each reader that nobody could ever be: what is no `*`, `user:NAME` or `group:NAME`."""
    return [
        _nobody(located, reader, "sources", source, "readers", index)
        for source in range(_length(located.get("sources")))
        for index in range(_length(located.get("sources", source, "readers")))
        if isinstance(reader := located.get("sources", source, "readers", index), str)
        if reader and not _READER.fullmatch(reader)
    ]


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _nobody(located: Located, reader: str, *keys: str | int) -> Mistake:
    name = reader.rpartition(":")[2].strip() or "NAME"
    message = f"{'.'.join(str(key) for key in keys)}: nobody can be `{reader}`"
    hint = f'Write `"group:{name}"` or `"user:{name}"`; `"*"` is everybody of the tenant.'
    return Mistake(located.at(*keys), message, hint)


def _name_mistakes(located: Located) -> list[Mistake]:
    name = located.path.stem
    if _NAME.fullmatch(name):
        return []
    hint = "Use small letters, digits, - and _; begin with a letter or a digit."
    return [Mistake(Location(located.path), f"`{name}` is no name for a knowledge base", hint)]


def _no_source(located: Located) -> Mistake:
    return Mistake(located.at("sources"), "sources: there is none", "Add a source: `- folder: documents`.")


def _same_names(located: Located, sources: list[DeclaredSource]) -> list[Mistake]:
    seen: dict[str, int] = {}
    return [
        Mistake(
            located.at("sources", index),
            f"sources.{index}: a second source called `{source.label}`",
            "Give each source a `name` of its own: documents are told apart by it.",
        )
        for index, source in enumerate(sources)
        if seen.setdefault(source.label, index) != index
    ]
