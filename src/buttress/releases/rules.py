"""Tables and patterns: what a rule answers to a text. Pure."""

import re
import unicodedata
from collections.abc import Mapping

from buttress.releases.patterns import BadPattern, compile_pattern, search
from buttress.releases.types import RegexRule, TableRule

_SPACES = re.compile(r"\s+")
_FINAL = " \t.,;:!?…。！？．，؟"
_BRACES = re.compile(r"\{\{(?P<inside>.*?)\}\}", re.DOTALL)
_GROUP = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*")


def normalise(question: str) -> str:
    """Return `question` without what does not tell questions apart: case, spaces, final punctuation.

    Doing it twice changes nothing. Compatible characters count as the same (Unicode NFKC).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", question).casefold())
    return _SPACES.sub(" ", folded).strip().rstrip(_FINAL)


def answer_of_table(rule: TableRule, text: str) -> str | None:
    """Return the answer that stands beside the question `text`; None when it is not in the table."""
    return rule.answers.get(normalise(text))


def answer_of_regex(rule: RegexRule, text: str) -> str | None:
    """Return the rule's answer with its groups filled in; None when the pattern is nowhere in `text`."""
    pattern = compile_pattern(rule.pattern)
    if isinstance(pattern, BadPattern):  # a release that was compiled has none
        return None
    groups = search(pattern, text)
    return None if groups is None else fill_in(rule.answer, groups)


def fill_in(answer: str, groups: Mapping[str, str]) -> str:
    """Return `answer` with each `{{ name }}` replaced by that group.

    What is filled in is not looked at again. Braces that name no group are left as they are: compiling
    refuses them.
    """

    def one(braces: re.Match[str]) -> str:
        named = _GROUP.fullmatch(braces["inside"])
        return groups.get(named["name"], braces.group()) if named else braces.group()

    return _BRACES.sub(one, answer)


def names_in(answer: str) -> list[str]:
    """Return what stands in the double braces of `answer`, in order; a name, or what is no name."""
    return [braces["inside"].strip() for braces in _BRACES.finditer(answer)]
