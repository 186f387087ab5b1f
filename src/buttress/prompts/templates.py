"""Markdown with front matter -> Prompt; Prompt and values -> messages.

```
---
max_tokens: 400
---
# system
Answer in the words of the passages.
# user
{{ question }}
```
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import jinja2
import msgspec
from msgspec import Meta

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import convert_all, parse_yaml
from buttress.kernel.messages import Message, Role
from buttress.prompts.language import Language, read_language
from buttress.prompts.sandbox import ENVIRONMENT, compiled, render_text
from buttress.prompts.types import Prompt, Section, Use

_HEADING = re.compile(r"# (?P<role>system|user|assistant)[ \t]*")
_NEARLY = re.compile(r"#[ \t]*(?P<role>system|user|assistant)[ \t]*:?[ \t]*", re.IGNORECASE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_HEADINGS = "Begin messages with the lines `# system`, `# user` and `# assistant`."
_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}


class FrontMatter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands between the `---` lines of a prompt."""

    description: str = ""
    max_tokens: Annotated[int, Meta(gt=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None


def parse_prompt(text: str, path: Path) -> Prompt | list[Mistake]:
    """Return the prompt that `text`, the content of the file at `path`, is; or everything wrong with it."""
    all_lines = _LINE.findall(text.replace("\r\n", "\n").replace("\r", "\n"))
    front, body_line = _front_matter(all_lines, path)
    lines = all_lines[body_line - 1 :]
    sections = list(_sections(lines, body_line))
    languages = [_language(section, path) for section in sections]
    mistakes = [
        *(front if isinstance(front, list) else []),
        *_heading_mistakes(lines, body_line, path),
        *_order_mistakes(sections, path),
        *(one for language in languages if isinstance(language, list) for one in language),
    ]
    if mistakes or isinstance(front, list):
        return sorted(mistakes, key=lambda one: one.where.line or 0)
    read = [
        (section, language)
        for section, language in zip(sections, languages, strict=True)
        if isinstance(language, Language)
    ]
    return Prompt(
        name=path.name,
        description=front.description,
        max_tokens=front.max_tokens,
        temperature=front.temperature,
        sections=tuple(msgspec.structs.replace(section, fixed=found.fixed) for section, found in read),
        uses=tuple(use for _, found in read for use in found.uses),
    )


def parse_text(source: str, where: Location) -> tuple[Use, ...] | list[Mistake]:
    """Return what the template `source` uses, all at the line of `where`; or what is wrong with it."""
    line = where.line or 1
    found = _language(Section(role="user", source=source, line=line), where.path)
    if isinstance(found, list):
        return [msgspec.structs.replace(one, where=where) for one in found]
    return tuple(Use(use.path, line) for use in found.uses)


def render(prompt: Prompt, values: Mapping[str, object]) -> tuple[Message, ...]:
    """Return the messages of `prompt` with `values` filled in.

    Each message is filled in by itself: no value can begin another message, or be evaluated.

    Raises:
        PromptUnrenderable: a value is missing or of the wrong type, or the text becomes too long.
    """
    return tuple(
        Message(section.role, render_text(section.source, values, prompt.name).strip())
        for section in prompt.sections
    )


def _front_matter(lines: list[str], path: Path) -> tuple[FrontMatter | list[Mistake], int]:
    """Return the front matter, and the 1-based line on which the body begins."""
    if not lines or lines[0].rstrip() != "---":
        return FrontMatter(), 1
    end = next((number for number, line in enumerate(lines[1:], start=2) if line.rstrip() == "---"), None)
    if end is None:
        return [Mistake(Location(path, 1), "the front matter has no end", "Close it with a line `---`.")], 2
    located = parse_yaml("".join(lines[1 : end - 1]), path, first_line=2)
    if isinstance(located, Mistake):
        return [located], end + 1
    return convert_all(located, FrontMatter), end + 1


def _outside_fences(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the index and text of each line that is not in a block of code."""
    fence = ""
    for index, line in enumerate(lines):
        found = _FENCE.match(line)
        if not fence and not found:
            yield index, line.rstrip("\n")
        elif not fence and found:
            fence = found["fence"]
        elif found and found["fence"].startswith(fence):
            fence = ""


def _sections(lines: list[str], first_line: int) -> Iterator[Section]:
    """Yield each message; what stands before the first heading is the system's."""
    headings = [
        (index, _ROLES[found["role"]])
        for index, line in _outside_fences(lines)
        if (found := _HEADING.fullmatch(line))
    ]
    ends = [index for index, _ in headings] + [len(lines)]
    before = "".join(lines[: ends[0]])
    if before.strip():
        yield Section(role="system", source=before, line=first_line)
    for (index, role), end in zip(headings, ends[1:], strict=True):
        yield Section(role=role, source="".join(lines[index + 1 : end]), line=first_line + index + 1)


def _heading_mistakes(lines: list[str], first_line: int, path: Path) -> Iterator[Mistake]:
    for index, line in _outside_fences(lines):
        found = _NEARLY.fullmatch(line)
        if found and not _HEADING.fullmatch(line):
            where = Location(path, first_line + index)
            yield Mistake(where, f"`{line.strip()}` begins no message", f"Write `# {found['role'].lower()}`.")


def _order_mistakes(sections: list[Section], path: Path) -> Iterator[Mistake]:
    if not sections:
        yield Mistake(Location(path, 1), "the prompt is empty", _HEADINGS)
        return
    for section in sections:
        if not section.source.strip():
            message = f"the {section.role} message is empty"
            yield Mistake(Location(path, section.line - 1), message, "Write it, or leave its heading out.")
    for section in sections[1:]:
        if section.role == "system":
            message = "a system message after another message"
            yield Mistake(Location(path, section.line), message, "Put all of it first, in one message.")
    if all(section.role != "user" for section in sections):
        yield Mistake(Location(path, 1), "the prompt has no message of the user", _HEADINGS)


def _language(section: Section, path: Path) -> Language | list[Mistake]:
    """Read a section's template; lines count from the beginning of its file."""
    before = section.line - 1
    try:
        found = read_language(ENVIRONMENT.parse(section.source))
        if not found.problems:
            compiled(section.source)
    except jinja2.TemplateSyntaxError as error:
        where = Location(path, before + error.lineno)
        hint = "Variables are `{{ name }}`, blocks `{% if name %} ... {% endif %}`."
        return [Mistake(where, error.message or "no template", hint)]
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        message = f"the template cannot be read: {type(error).__name__}"
        return [Mistake(Location(path, section.line), message, "Make it simpler.")]
    if found.problems:
        return [Mistake(Location(path, before + one.line), one.message, one.hint) for one in found.problems]
    uses = tuple(Use(use.path, before + use.line) for use in found.uses)
    return msgspec.structs.replace(found, uses=uses)
