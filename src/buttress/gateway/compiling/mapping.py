"""A stage of `kind: map`: what it reads, its two prompts, and whether its models can do it. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from buttress.gateway.compiling.around import Around, Compiled, Result
from buttress.gateway.compiling.declared import MapEntry
from buttress.gateway.compiling.files import Unreadable, plain_name
from buttress.gateway.compiling.prompts import (
    Written,
    ladder_mistake,
    read_prompt,
    use_mistakes,
    window_mistakes,
)
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Keys, convert_all, did_you_mean
from buttress.models.counting import readers_of
from buttress.prompts.cutting import PIECE
from buttress.prompts.defaults import MERGE, MERGE_NAME, PIECE_NAME
from buttress.prompts.defaults import PIECE as PIECE_PROMPT
from buttress.prompts.merging import PART_FIELDS, PARTS, PIECE_FIELDS
from buttress.releases.types import MapStage

_ELEMENT = "*"


class _Role(msgspec.Struct, frozen=True):
    """One of the two prompts: its key, its default, its variable, and what may be looked up in that."""

    key: str
    default: tuple[str, str]
    variable: str
    fields: Mapping[tuple[str, ...], tuple[str, ...]]


_PIECES = _Role("prompt", (PIECE_NAME, PIECE_PROMPT), PIECE, {(PIECE,): PIECE_FIELDS})
_MERGES = _Role("merge", (MERGE_NAME, MERGE), PARTS, {(PARTS, _ELEMENT): PART_FIELDS, (PARTS,): ()})


def compile_map(around: Around, keys: Keys) -> Result:
    """Return the stage at `keys`, or everything wrong with it."""
    located = around.located
    entry = convert_all(located, MapEntry, *keys)
    written = [_written(around, keys, role) for role in (_PIECES, _MERGES)]
    mistakes = [
        *(entry if isinstance(entry, list) else _source_mistakes(entry, around, keys)),
        *(one for found in written if isinstance(found, list) for one in found),
    ]
    right = tuple(one for one in written if isinstance(one, Written))
    ladder = located.get(*keys, "ladder")
    if around.catalogue and isinstance(ladder, str) and ladder:
        mistakes += ladder_mistake(ladder, around.catalogue, located.at(*keys, "ladder"))
    if mistakes or isinstance(entry, list):
        return mistakes
    return _mapping(entry, right, around, keys)


def _mapping(entry: MapEntry, written: tuple[Written, ...], around: Around, keys: Keys) -> Result:
    rungs = around.catalogue.rungs(entry.ladder) if around.catalogue else ()
    models = readers_of(rungs)
    where = around.located.at(*keys, "ladder" if entry.max_tokens is None else "max_tokens")
    if models and all(model.provider == "extractive" for model in models):
        message = f"no model of `{entry.ladder}` writes: quotes cannot be merged"
        return [Mistake(around.located.at(*keys, "ladder"), message, "Put a language model on the ladder.")]
    told = (prompt.prompt.max_tokens for prompt in written if prompt.prompt.max_tokens)
    least = min((model.max_output_tokens for model in models), default=1)
    stage = MapStage(
        name=entry.name,
        ladder=entry.ladder,
        prompt=written[0].name,
        merge=written[1].name,
        text=entry.text or "",
        knowledge=entry.knowledge or "",
        document=entry.document or "",
        max_tokens=entry.max_tokens or next(told, least),
        temperature=entry.temperature,
        piece_tokens=entry.piece_tokens,
        parallel=entry.parallel,
    )
    small = [one for each in written for one in window_mistakes(each, models, stage.max_tokens, where)]
    return small or Compiled(stage, written)


def _source_mistakes(entry: MapEntry, around: Around, keys: Keys) -> Iterator[Mistake]:
    """Yield what is wrong with where the text comes from: a property, or a document that one names."""
    located = around.located
    if (entry.text is None) == (entry.knowledge is None) or (entry.knowledge is None) != (
        entry.document is None
    ):
        hint = "Write `text: PROPERTY`; or `knowledge: NAME` and `document: PROPERTY`."
        yield Mistake(located.at(*keys), "what the stage is to read is not said, or said twice", hint)
        return
    key = "text" if entry.text else "document"
    name = entry.text or entry.document or ""
    if around.variables is not None and name not in around.variables:
        hint = did_you_mean(name, around.variables) or f"There are: {', '.join(around.variables) or 'none'}."
        yield Mistake(located.at(*keys, key), f"the input has no property `{name}`", hint)
    if entry.knowledge and entry.knowledge not in around.knowledge:
        known = sorted(around.knowledge)
        hint = did_you_mean(entry.knowledge, known) or f"There are: {', '.join(known) or 'none'}."
        message = f"no knowledge base is called `{entry.knowledge}`"
        yield Mistake(located.at(*keys, "knowledge"), message, hint)
    for taken in {PIECE, PARTS} & set(around.variables or ()):
        message = f"the input has a property `{taken}`, as the stage calls what it reads"
        yield Mistake(located.at("input", "properties", taken), message, "Rename it.")


def _written(around: Around, keys: Keys, role: _Role) -> Written | list[Mistake]:
    located, where = around.located, around.located.at(*keys, role.key)
    name = located.get(*keys, role.key)
    if isinstance(name, str) and name:
        file = around.files[plain_name(name)]
        read = [file.at(where)] if isinstance(file, Unreadable) else read_prompt(file, where)
    else:
        read = read_prompt(None, where, role.default)
    if isinstance(read, list) or around.variables is None:
        return read
    mistakes = list(_use_mistakes(read, around, keys, role))
    if mistakes and located.get(*keys, role.key) is None:
        where, without = located.at(*keys), f"Name a prompt of your own: `{role.key}: {role.key}.md`."
        return [Mistake(where, f"the default prompt does not fit: {mistakes[0].message}", without)]
    return mistakes or read


def _use_mistakes(written: Written, around: Around, keys: Keys, role: _Role) -> Iterator[Mistake]:
    """Yield what a prompt uses that is not there, and that it does not use what it is for."""
    prompt, located = written.prompt, around.located
    variables = [*(around.variables or ()), role.variable]
    yield from use_mistakes(prompt.uses, written.path, variables, retrieved=False)
    for use in prompt.uses:
        fields = role.fields.get(use.path[:-1])
        if fields is not None and use.path[-1] not in (*fields, _ELEMENT):
            where = msgspec.structs.replace(located.at(*keys, role.key), path=written.path, line=use.line)
            message = f"`{'.'.join(use.path)}`: there is no `{use.path[-1]}`"
            yield Mistake(where, message, f"There are: {', '.join(fields) or 'its elements'}.")
    if role.variable not in prompt.variables:
        message = f"`{written.name}` does not use what it is asked about: it has no `{role.variable}`"
        yield Mistake(located.at(*keys, role.key), message, f"Print it: `{{{{ {role.variable} }}}}`.")
    text = located.get(*keys, "text")
    if isinstance(text, str) and text in prompt.variables:
        message = f"`{written.name}` prints `{text}`, all of what is read in pieces"
        yield Mistake(located.at(*keys, role.key), message, f"Print `{{{{ {role.variable} }}}}` instead.")
