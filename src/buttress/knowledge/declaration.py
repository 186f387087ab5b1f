"""Reading `knowledge/NAME.yaml`: mistakes are values, all of them at once."""

import re
from pathlib import Path

import msgspec

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Located, convert, parse_yaml
from buttress.knowledge.errors import DeclarationInvalid
from buttress.knowledge.types import ChunkSettings, FolderSource, KnowledgeBase, SearchSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PARTS: dict[str, type[ChunkSettings | SearchSettings]] = {"chunks": ChunkSettings, "search": SearchSettings}


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A knowledge base as it stands in its file; the name is the file's."""

    sources: list[FolderSource]
    tenant: str = "default"
    chunks: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()


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


def invalid(path: Path, mistakes: list[Mistake]) -> DeclarationInvalid:
    """Return the one error that shows all mistakes of a file."""
    lines = "\n".join(str(mistake) for mistake in mistakes)
    return DeclarationInvalid(f"{path} is no knowledge base that can be read:\n{lines}")


def _declared(located: Located) -> KnowledgeBase | list[Mistake]:
    mistakes = [*_part_mistakes(located), *_name_mistakes(located)]
    declaration = convert(located, Declaration)
    if isinstance(declaration, Mistake):
        return (
            mistakes if any(one.where == declaration.where for one in mistakes) else [declaration, *mistakes]
        )
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


def _part_mistakes(located: Located) -> list[Mistake]:
    """Look at each part by itself: the whole would only tell of the first that is wrong."""
    sources = located.get("sources")
    count = len(sources) if isinstance(sources, list) else 0
    results = [convert(located, FolderSource, "sources", index) for index in range(count)]
    parts = [convert(located, kind, name) for name, kind in _PARTS.items() if located.get(name) is not None]
    return [one for one in (*results, *parts) if isinstance(one, Mistake)]


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
