"""The choice of a tuning into `knowledge/NAME.yaml`: only values under `search:` change, all else stays.

The text is edited where PyYAML says that a value stands, so comments, order and quotes are kept. What comes
out is read again: says it anything else than what was meant, nothing is written.
"""

import difflib
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec
import yaml

from buttress.knowledge.declaration import read_knowledge_base
from buttress.knowledge.measuring.errors import DeclarationUneditable
from buttress.knowledge.measuring.recipes import TUNED
from buttress.knowledge.types import SearchSettings

_KEY = "search"


class Edit(msgspec.Struct, frozen=True):
    """A file as it is, and as it is to be."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """What changes, as `diff -u` tells it; empty when nothing does."""
        before, after = self.before.splitlines(), self.after.splitlines()
        name = f"{self.path.parent.name}/{self.path.name}"
        return "".join(f"{line}\n" for line in difflib.unified_diff(before, after, name, name, lineterm=""))

    def write(self) -> None:
        """Write it in one step: nobody reads half of it. A link stays one. Raises `OSError`."""
        path = self.path.resolve()
        draft = path.with_name(f".{path.name}.new")
        draft.write_text(self.after, "utf-8", newline="")
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)


def edited(path: Path, search: SearchSettings) -> Edit:
    """Return the declaration at `path` with what a tuning chooses as it is in `search`.

    Raises:
        DeclarationUneditable: that cannot be done without changing more than that.
        DeclarationInvalid: the file has mistakes.
    """
    with path.open(encoding="utf-8", newline="") as file:
        before = file.read()
    wanted = {name: msgspec.to_builtins(getattr(search, name)) for name in TUNED}
    after = _with_values(before, wanted)
    if not _says(path, after, search):
        raise DeclarationUneditable(f"{path}: `{_KEY}` is written in a way that no program may change")
    return Edit(path, before, after)


def _says(path: Path, text: str, search: SearchSettings) -> bool:
    """Say whether `text` declares what the file at `path` does, but for what is tuned."""
    was = read_knowledge_base(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, "utf-8", newline="")
        now = read_knowledge_base(copy)
    if isinstance(was, list) or isinstance(now, list):
        return False
    return now == msgspec.structs.replace(was, search=search)


def _with_values(text: str, wanted: Mapping[str, object]) -> str:
    """Return `text` with the values of `wanted`; those that are defaults only where others stand."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise DeclarationUneditable(f"it is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise DeclarationUneditable("the declaration is no block of keys")
    newline = "\r\n" if "\r\n" in text else "\n"
    held = next((pair for pair in root.value if pair[0].value == _KEY), None)
    if held is None:
        return _appended(text, _lines(_missing(wanted, ()), "  "), newline)
    value = held[1]
    if isinstance(value, yaml.MappingNode) and value.value:
        return (_in_flow if value.flow_style else _in_block)(text, value, wanted, newline)
    return _in_nothing(text, held, _lines(_missing(wanted, ()), "  "), newline)


def _missing(wanted: Mapping[str, object], there: Collection[str]) -> dict[str, object]:
    """Return the values that are not there yet and must be: those that are no defaults."""
    default = msgspec.to_builtins(SearchSettings())
    return {name: value for name, value in wanted.items() if name not in there and value != default[name]}


def _appended(text: str, lines: list[str], newline: str) -> str:
    if not lines:
        return text
    end = "" if not text or text.endswith("\n") else newline
    return text + end + newline.join([f"{_KEY}:", *lines, ""])


def _in_nothing(text: str, held: tuple[yaml.Node, yaml.Node], lines: list[str], newline: str) -> str:
    """Return `text` with `lines` under a key whose value is `{}`."""
    if not lines:
        return text
    key, value = held
    end = text.find("\n", key.end_mark.index)
    at = len(text) if end < 0 else end - (newline == "\r\n")
    added = "".join(f"{newline}{line}" for line in lines)
    return _with_edits(text, [(at, at, added), (value.start_mark.index, value.end_mark.index, "")])


def _in_block(text: str, held: yaml.MappingNode, wanted: Mapping[str, object], newline: str) -> str:
    """Return `text` with values replaced where they stand, and the others behind the last line of `held`."""
    end = text.find("\n", _end_of(held.value[-1][1], text))
    at = len(text) if end < 0 else end - (newline == "\r\n")
    indent = " " * held.value[0][0].start_mark.column
    added = "".join(f"{newline}{line}" for line in _lines(_missing(wanted, _there(held)), indent))
    return _with_edits(text, [(at, at, added), *_replacements(text, held, wanted)])


def _in_flow(text: str, held: yaml.MappingNode, wanted: Mapping[str, object], _: str) -> str:
    """Return `text` with values replaced where they stand, and the others behind the last one."""
    at = held.value[-1][1].end_mark.index
    added = "".join(f", {line}" for line in _lines(_missing(wanted, _there(held)), ""))
    return _with_edits(text, [(at, at, added), *_replacements(text, held, wanted)])


def _there(held: yaml.MappingNode) -> set[str]:
    return {key.value for key, _ in held.value}


def _replacements(
    text: str, held: yaml.MappingNode, wanted: Mapping[str, object]
) -> list[tuple[int, int, str]]:
    """Return the edits that put the values of `wanted` where others stand; one of several lines gets one."""
    there = [(key, value) for key, value in held.value if key.value in wanted]
    return [
        (key.end_mark.index, _end_of(value, text), f": {_written(wanted[key.value])}")
        if _is_block(value)
        else (value.start_mark.index, value.end_mark.index, _written(wanted[key.value]))
        for key, value in there
    ]


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _end_of(node: yaml.Node, text: str) -> int:
    """Return where a value ends; PyYAML says of a block where the next thing begins."""
    end: int = node.end_mark.index
    return len(text[:end].rstrip()) if _is_block(node) else end


def _with_edits(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Return `text` with each of `edits`: where it begins and ends, and what is to stand there."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _lines(values: Mapping[str, object], indent: str) -> list[str]:
    return [f"{indent}{name}: {_written(value)}" for name, value in values.items()]


def _written(value: object) -> str:
    """Return a value as YAML has it in one line: JSON, but for words without quotes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().replace(",", ", ")
