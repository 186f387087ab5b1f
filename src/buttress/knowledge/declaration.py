"""Reading `knowledge/NAME.yaml`: mistakes are values, all of them at once."""

import re
from pathlib import Path

import msgspec

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Located, convert_all, parse_yaml
from buttress.knowledge.errors import DeclarationInvalid
from buttress.knowledge.types import ChunkSettings, FolderSource, KnowledgeBase, SearchSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_READER = re.compile(r"\*|(user|group):\S.*")
_READERS_HINT = (
    'Add `readers: ["*"]` for everybody of the tenant, or name some: `readers: ["group:NAME", "user:NAME"]`.'
)
_NO_READERS = "`readers` is missing"


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A knowledge base as it stands in its file; the name is the file's."""

    sources: list[FolderSource]
    tenant: str = "default"
    chunks: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()


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


def invalid(mistakes: list[Mistake]) -> DeclarationInvalid:
    """Return the one error that shows all mistakes."""
    lines = "\n".join(str(mistake) for mistake in mistakes)
    count = f"{len(mistakes)} mistakes" if len(mistakes) != 1 else "1 mistake"
    return DeclarationInvalid(f"{count} in the knowledge bases:\n{lines}")


def _declared(located: Located) -> KnowledgeBase | list[Mistake]:
    mistakes = [*_reader_mistakes(located), *_name_mistakes(located)]
    declaration = convert_all(located, Declaration)
    if isinstance(declaration, list):
        mistakes += map(_worded, declaration)
        return sorted(mistakes, key=lambda one: one.where.line or 0)
    mistakes += _source_mistakes(located, declaration)
    if mistakes:
        return mistakes
    return KnowledgeBase(
        name=located.path.stem,
        sources=tuple(declaration.sources),
        tenant=declaration.tenant,
        chunks=declaration.chunks,
        search=declaration.search,
    )


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


def _source_mistakes(located: Located, declaration: Declaration) -> list[Mistake]:
    if not declaration.sources:
        return [
            Mistake(located.at("sources"), "sources: there is none", "Add a source: `- folder: documents`.")
        ]
    seen: dict[str, int] = {}
    mistakes: list[Mistake] = []
    for index, source in enumerate(declaration.sources):
        first = seen.setdefault(source.label, index)
        if first != index:
            mistakes.append(
                Mistake(
                    located.at("sources", index),
                    f"sources.{index}: a second source called `{source.label}`",
                    "Give each source a `name` of its own: documents are told apart by it.",
                )
            )
    return mistakes
