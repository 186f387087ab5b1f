"""Putting a model into the text of models.yaml, with its comments and its order kept. Pure.

The text is cut where the parser says that things stand, which is not right for every way to write YAML. So
the result is read back, and it is taken only when it says what the text said before, and the model.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import yaml

from buttress.kernel.catalogue import Catalogue, Ladder, Option, Step
from buttress.kernel.errors import Mistake
from buttress.models.declaration import read_catalogue
from buttress.models.errors import ModelNotAdded

_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
"""What JSON writes as it is, and YAML takes for the end of a line, or refuses."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_BY_HAND = "Write it into models.yaml by hand: docs/how-to/use-a-language-model.md"

Field = Option | Mapping[str, Option]
"""What an entry says of one matter: a value, or several by name."""


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """A model to be put in: its name, what its entry says, and the ladder it stands on, last or first."""

    name: str
    fields: Mapping[str, Field]
    ladder: str = ""
    is_first: bool = False


class _Edit(msgspec.Struct, frozen=True, order=True):
    """A text to be put in at a place, both counted from 0."""

    line: int
    column: int
    text: str


def with_model(text: str, path: Path, addition: Addition, providers: Collection[str]) -> str:
    """Return `text`, the content of a models.yaml without mistakes at `path`, with the model in it.

    Raises:
        ModelNotAdded: the name is taken, there is no such ladder, what the entry says is wrong, or the file
            is written in a way that nothing can be put into.
    """
    before = read_catalogue(text, path, providers) if text.strip() else Catalogue({}, {})
    if isinstance(before, list):
        raise _not_added(before)
    _refuse_names(before, addition)
    after = _edited(text, addition)
    read = read_catalogue(after, path, providers)
    said = ("models", f"ladders.{addition.ladder}: `")  # of the entry, and of what it stands beside
    if isinstance(read, list) and (ours := [one for one in read if one.message.startswith(said)]):
        raise _not_added(ours)
    if isinstance(read, list) or not _says(read, before, addition):
        raise ModelNotAdded("the file is written in a way that nothing can be put into", hint=_BY_HAND)
    return after


def _refuse_names(before: Catalogue, addition: Addition) -> None:
    name, ladder = addition.name, addition.ladder
    if name in before.models or name in before.ladders:
        raise ModelNotAdded(f"models.yaml has a model or a ladder `{name}` already")
    if ladder and ladder not in before.ladders:
        known = ", ".join(before.ladders) or "none"
        raise ModelNotAdded(f"models.yaml has no ladder `{ladder}`", hint=f"There are: {known}.")


def _not_added(mistakes: list[Mistake]) -> ModelNotAdded:
    hints = dict.fromkeys(one.hint for one in mistakes)
    return ModelNotAdded("; ".join(one.message for one in mistakes), hint=" ".join(hints))


def _says(read: Catalogue, before: Catalogue, addition: Addition) -> bool:
    """Say whether `read` is `before` and the model, and nothing else."""
    models, ladders = dict(read.models), dict(before.ladders)
    if models.pop(addition.name, None) is None or models != before.models:
        return False
    if addition.ladder:
        old, step = ladders[addition.ladder], (Step((addition.name,)),)
        steps = step + old.steps if addition.is_first else old.steps + step
        ladders[addition.ladder] = Ladder(steps, old.hedge_after_ms)
    return read.ladders == ladders and read.caches == before.caches


def _edited(text: str, addition: Addition) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return text + _ended(text, newline) + newline.join(["models:", *_block(addition, 2), ""])
    edits = [_entry(_child(root, "models"), addition)]
    if addition.ladder:
        edits.append(_rung(_child(_child(root, "ladders"), addition.ladder), addition))
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, reverse=True):
        if edit.column < 0:  # lines of their own
            before = _ended("".join(lines[: edit.line]), newline)
            lines.insert(edit.line, before + edit.text.replace("\n", newline) + newline)
        else:
            line = lines[edit.line]
            lines[edit.line] = line[: edit.column] + edit.text + line[edit.column :]
    return "".join(lines)


def _ended(text: str, newline: str) -> str:
    """Return what ends the last line of `text`."""
    return newline if text and not text.endswith(("\n", "\r")) else ""


def _entry(models: yaml.Node, addition: Addition) -> _Edit:
    """Return what puts the entry behind the last model."""
    if _is_flow(models):
        told = ", ".join(f"{name}: {_field(value)}" for name, value in addition.fields.items())
        return _at_end(models, f"{_scalar(addition.name)}: {{{told}}}")
    indent = models.value[0][0].start_mark.column
    return _Edit(_last_line(models) + 1, -1, "\n".join(_block(addition, indent)))


def _block(addition: Addition, indent: int) -> list[str]:
    fields = [f"{' ' * (indent + 2)}{name}: {_field(value)}" for name, value in addition.fields.items()]
    return [f"{' ' * indent}{_scalar(addition.name)}:", *fields]


def _rung(ladder: yaml.Node, addition: Addition) -> _Edit:
    """Return what puts the model on the ladder, behind its last rung or before its first one."""
    rungs = _child(ladder, "rungs") if isinstance(ladder, yaml.MappingNode) else ladder
    name, start = _scalar(addition.name), rungs.start_mark
    if _is_flow(rungs):
        if addition.is_first:
            return _Edit(start.line, start.column + 1, f"{name}, ")
        return _at_end(rungs, name)
    line = start.line if addition.is_first else _last_line(rungs) + 1
    return _Edit(line, -1, f"{' ' * start.column}- {name}")


def _at_end(node: yaml.Node, text: str) -> _Edit:
    """Return what puts `text` behind the last thing in the brackets of `node`."""
    if not node.value:
        return _Edit(node.end_mark.line, node.end_mark.column - 1, text)
    last = node.value[-1]
    mark = (last[-1] if isinstance(last, tuple) else last).end_mark
    return _Edit(mark.line, mark.column, f", {text}")


def _child(node: yaml.Node, name: str) -> yaml.Node:
    found: yaml.Node = next(value for key, value in node.value if key.value == name)
    return found


def _is_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _last_line(node: yaml.Node) -> int:
    """Return the line on which `node` ends; a block's own end is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[-1] if isinstance(last, tuple) else last)
    is_text_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return int(node.end_mark.line) - is_text_block


def _field(value: Field) -> str:
    """Return `value` as YAML reads it back; several stand in braces."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(name)}: {_scalar(one)}' for name, one in value.items())}}}"
    return _scalar(value)


def _scalar(value: Option) -> str:
    """Return `value` as YAML reads it back: as it is where that is a text, quoted elsewhere."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format(value, ".9f").rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    if _PLAIN.fullmatch(value) and not value.endswith(":") and yaml.safe_load(value) == value:
        return value
    return _UNSEEN.sub(lambda one: f"\\u{ord(one[0]):04x}", json.dumps(value, ensure_ascii=False))
