"""Rules: tables, patterns, functions of a rules stage. Pure."""

from collections.abc import Sequence
from itertools import islice

from buttress.gateway.compiling.declared import FunctionEntry, RegexEntry, TableEntry
from buttress.gateway.compiling.files import TextFile, Unreadable, plain_name
from buttress.gateway.compiling.functions import function_mistakes
from buttress.gateway.compiling.schemas import Files
from buttress.gateway.compiling.tables import read_table
from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Keys, Located, convert_all, did_you_mean
from buttress.releases.patterns import BadPattern, compile_pattern, group_names, search
from buttress.releases.rules import names_in
from buttress.releases.types import FunctionRule, RegexRule, Rule, TableRule

KINDS = ("regex", "table", "function")
_HINT = "A rule is one of `regex:` with `answer:`, `table: FILE.csv`, `function: FILE.py:NAME`."
_PATTERN_HINT = "Patterns have RE2's syntax: no look-around, no back-references; quote them in YAML."

_PROBES = (
    *("a", "Z", "7", "?", "é", "語", "zz qq 11?", "\u200b-_/", "How do I do this, and why?"),
    "ab 1? " * 700,
)
"""Texts that have nothing in common: a pattern found in all of them is found in everything."""


def compile_rule(located: Located, keys: Keys, files: Files) -> Rule | list[Mistake]:
    """Return the rule at `keys` of feature.yaml, or everything wrong with it."""
    value, where = located.get(*keys), located.at(*keys)
    if not isinstance(value, dict):
        return [Mistake(where, f"{_dotted(keys)}: expected a rule", _HINT)]
    kinds = [kind for kind in KINDS if kind in value]
    if len(kinds) != 1:
        near = next((hint for key in value if (hint := did_you_mean(key, KINDS)) and not kinds), "")
        said = " and ".join(f"`{kind}`" for kind in kinds) or "none of `regex`, `table`, `function`"
        return [Mistake(where, f"{_dotted(keys)}: a rule with {said}", near or _HINT)]
    match kinds[0]:
        case "regex":
            return _regex(located, keys)
        case "table":
            return _table(located, keys, files)
        case _:
            return _function(located, keys, files)


def always_matches(rule: Rule) -> bool:
    """Say whether a rule answers everything, so that nothing behind it can ever run."""
    if not isinstance(rule, RegexRule):
        return False
    pattern = compile_pattern(rule.pattern)
    return not isinstance(pattern, BadPattern) and all(search(pattern, text) is not None for text in _PROBES)


def unreachable_rules(rules: Sequence[Rule | list[Mistake]], located: Located, keys: Keys) -> list[Mistake]:
    """Return a mistake for the first rule behind one that always has an answer."""
    certain = (
        at for at, rule in enumerate(rules[:-1]) if not isinstance(rule, list) and always_matches(rule)
    )
    return [
        Mistake(
            located.at(*keys, at + 1),
            f"{_dotted((*keys, at + 1))}: this rule can never run: the one before it matches everything",
            "Put it before that one, or make that pattern narrower.",
        )
        for at in islice(certain, 1)
    ]


def _regex(located: Located, keys: Keys) -> RegexRule | list[Mistake]:
    entry = convert_all(located, RegexEntry, *keys)
    if isinstance(entry, list):
        return entry
    pattern = compile_pattern(entry.regex)
    if isinstance(pattern, BadPattern):
        where = located.at(*keys, "regex")
        return [Mistake(where, f"{_dotted(keys)}.regex: {pattern.problem}", _PATTERN_HINT)]
    groups = group_names(pattern)
    where = located.at(*keys, "answer")
    mistakes = [_no_group(name, groups, where) for name in names_in(entry.answer) if name not in groups]
    return mistakes or RegexRule(entry.regex, entry.answer)


def _no_group(name: str, groups: list[str], where: Location) -> Mistake:
    hint = did_you_mean(name, groups) or (
        f"Its groups are: {', '.join(groups)}." if groups else "Name a group in the pattern: `(?P<name>...)`."
    )
    return Mistake(where, f"`{{{{ {name} }}}}` is no group of the pattern", hint)


def _table(located: Located, keys: Keys, files: Files) -> TableRule | list[Mistake]:
    entry = convert_all(located, TableEntry, *keys)
    if isinstance(entry, list):
        return entry
    file = _file(entry.table, files)
    if isinstance(file, Unreadable):
        return [file.at(located.at(*keys, "table"))]
    answers = read_table(file.text, file.path)
    return answers if isinstance(answers, list) else TableRule(file.name, answers)


def _function(located: Located, keys: Keys, files: Files) -> FunctionRule | list[Mistake]:
    entry = convert_all(located, FunctionEntry, *keys)
    where = located.at(*keys, "function")
    if isinstance(entry, list):
        wrong = isinstance(located.get(*keys, "function"), str)
        return [Mistake(where, f"{_dotted(keys)}.function: no function is named", _HINT)] if wrong else entry
    name, _, function = entry.function.partition(":")
    file = _file(name, files)
    if isinstance(file, Unreadable):
        return [file.at(where)]
    mistakes = function_mistakes(file.text, file.path, function, where)
    return mistakes or FunctionRule(file.name, function, file.sha256)


def _file(name: str, files: Files) -> TextFile | Unreadable:
    return files[plain_name(name)]


def _dotted(keys: Keys) -> str:
    return ".".join(str(key) for key in keys)
