"""Whether two questions ask the same: what vectors do not tell apart is compared word by word. Pure.

The vectors of "refund after 30 days" and "refund after 60 days" are nearly the same, as are those of "can I"
and "can I not". So all that is definite must agree: numbers, denials, dates, names, and the words that turn a
question (on, off; before, only). What is left over are other words for the same thing, which is what the
vectors are for. English words; of other languages the numbers and the names are compared.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from buttress.kernel.words import STOP_WORDS, content_terms, plain_number, stem

_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,:/-]\d+)*)|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?(?:\d[^\W_]*)?)|(?P<sign>[%$€£¥#+])"
)
_ENDS = frozenset(".!?:;\n")

_NUMERALS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "thirteen": "13",
    "fourteen": "14",
    "fifteen": "15",
    "sixteen": "16",
    "seventeen": "17",
    "eighteen": "18",
    "nineteen": "19",
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "half": "0.5",
    "first": "1",
    "second": "2",
    "third": "3",
    "once": "1",
    "twice": "2",
    "dozen": "12",
}

_NEGATIONS = frozenset(
    """not no never none nobody nothing neither nor cannot without unable except unless instead
    nicht kein keine keinen keinem keiner nie ohne pas jamais sans aucun nunca sin ningún niet geen
    zonder non senza mai não sem inte utan
    """.split()  # noqa: SIM905 - the same
)
_DENYING = frozenset(map(stem, _NEGATIONS))
_PLAIN_NUMBER = re.compile(r"[\d.,]+")
_GENITIVE = re.compile(r"['’]s$")
_CONTRACTED = re.compile(r"n['’]t$")

_DATES = frozenset(
    """january february april june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday weekday weekend
    today tomorrow yesterday tonight morning evening noon midnight
    spring summer autumn winter q1 q2 q3 q4 day week month quarter year hour minute hourly daily weekly
    monthly quarterly yearly annual annually
    """.split()  # noqa: SIM905 - the same
)
_DATES_IN_CAPITALS = frozenset({"May", "March"})

_BINDING = frozenset(
    """before after until since during above below within max min maximum minimum highest lowest longest
    shortest largest smallest earliest latest oldest newest best worst most least fewest all only both never
    always sometimes first last next previous old new
    """.split()  # noqa: SIM905 - the same
)
"""Words that must stand in both questions, or in neither."""

_OPPOSITES = """
    on | off
    in | out
    up | down
    more higher longer larger greater earlier | less fewer lower shorter smaller later
    increase raise grow | decrease reduce lower shrink
    add attach include | remove detach exclude delete
    enable activate allow permit accept grant | disable deactivate deny forbid reject revoke refuse block
    start begin open | stop end close finish
    buy purchase | sell
    import upload | export download
    install | uninstall
    upgrade | downgrade
    login signin | logout signout
    subscribe join | unsubscribe leave cancel
    create make | delete destroy remove
    encrypt | decrypt
    lock | unlock
    show display | hide
    send pay give | receive get take
    input read | output write
    true | false
    public external remote | private internal local
    free | paid
    with | without
    over above | under below
    buyer customer tenant borrower employee | seller vendor landlord lender employer
    who whom whose | when | where | why | how what which
"""
"""Each line: words of which one asks for another thing than those of the other columns."""

_COLUMNS: dict[str, list[tuple[int, int]]] = {}
for _line, _scale in enumerate(_OPPOSITES.strip().splitlines()):
    for _column, _words_of_it in enumerate(_scale.split("|")):
        for _word in _words_of_it.split():
            _COLUMNS.setdefault(_word, []).append((_line, _column))

_SHORTEST = 2
_PREFIXES = ("un", "in", "im", "non", "dis", "ir", "il", "de", "re", "pre", "post", "sub", "over", "under")

_OPENING = re.compile(
    r"\W*(?P<word>who|when|where|why|how (?:long|much|many|often|far|old|big|large|fast|soon))\b"
)
_REACH = 6
_DIRECTED = frozenset("to from into with before after over than by for versus vs".split())  # noqa: SIM905


def differences(one: str, other: str) -> list[str]:
    """Return what is definite and differs between two questions, by its kind; nothing where they may be one.

    `number`, `negation`, `date`, `name`; `bound` for words such as `before` or `only` that one of them lacks;
    `opposite` for words that turn a question (`on`, `off`), or one and the same with a prefix (`paid`,
    `unpaid`); `order` where the same words stand the other way round (`from A to B`); `asked` for another
    first word (`when`, `how long`); `more` where one says all that the other does, and something beside it.
    """
    here, there = _read(one), _read(other)
    kinds = [kind for kind in _KINDS if here[kind] != there[kind]]
    if _lacks(here["name"], other) or _lacks(there["name"], one):
        kinds.append("name")
    if _are_opposed(one, other):
        kinds.append("opposite")
    if _is_turned_round(one, other):
        kinds.append("order")
    if _asked(one) != _asked(other):
        kinds.append("asked")
    telling, others = set(content_terms(one)) - _DENYING, set(content_terms(other)) - _DENYING
    if telling < others or others < telling:
        kinds.append("more")
    return kinds


_KINDS = ("number", "negation", "date", "bound")


def ask_the_same(one: str, other: str) -> bool:
    """Say whether nothing definite speaks against it that two questions of near meaning are one."""
    return not differences(one, other)


def _read(text: str) -> dict[str, Counter[str]]:
    """Return what is definite in a question, by its kind: numbers with how often, of the rest which."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in (*_KINDS, "name")}
    plain = _plain(text)
    behind = 0
    for token in _TOKEN.finditer(plain):
        begins = not behind or not _ENDS.isdisjoint(plain[behind : token.start()])
        behind = token.end()
        kind, value = _kind(token, begins=begins)
        if kind:
            found[kind][value] += 1
        elif token["word"] and _is_name(token["word"], begins=begins):
            found["name"][_bare(token["word"])] += 1
    # Said twice, a denial is none; a date or a bound says no more.
    found["negation"] = Counter({"not": found["negation"].total() % 2})
    return {
        kind: each if kind == "number" else Counter(dict.fromkeys(+each, 1)) for kind, each in found.items()
    }


def _kind(token: re.Match[str], *, begins: bool) -> tuple[str, str]:
    """Return what a token is of all that is definite, and its value; nothing for other words."""
    word = token.group().lower()
    if token["number"] or token["sign"]:
        return "number", plain_number(word) if _PLAIN_NUMBER.fullmatch(word) else word
    if word in _NEGATIONS or _CONTRACTED.search(word):
        return "negation", "not"
    if word in _NUMERALS:
        return "number", _NUMERALS[word]
    singular = word.removesuffix("s")
    if singular in _DATES or (token.group() in _DATES_IN_CAPITALS and not begins):
        return "date", singular
    return ("bound", word) if word in _BINDING else ("", "")


def _is_name(word: str, *, begins: bool) -> bool:
    """Say whether a word has capitals, or digits, that it does not have for opening a sentence."""
    if word.lower() in STOP_WORDS or word.lower() in _COLUMNS:
        return False
    return (
        any(map(str.isupper, word[1:])) or any(map(str.isdigit, word)) or (word[0].isupper() and not begins)
    )


def _lacks(names: Iterable[str], text: str) -> bool:
    """Say whether a name stands nowhere in the other question, however it is written there."""
    return not set(names) <= {_bare(token.group()) for token in _TOKEN.finditer(_plain(text))}


def _bare(word: str) -> str:
    return _GENITIVE.sub("", word.lower())


def _are_opposed(one: str, other: str) -> bool:
    here, there = set(_lower(one)), set(_lower(other))
    mine, theirs = _places(here - there), _places(there - here)
    if any(
        line == other_line and column != other_column
        for line, column in mine
        for other_line, other_column in theirs
    ):
        return True
    here, there = set(map(stem, here)), set(map(stem, there))
    return _has_opposite(here - there, there) or _has_opposite(there - here, here)


def _places(words: Iterable[str]) -> set[tuple[int, int]]:
    return {place for word in words for form in _forms(word) for place in _COLUMNS.get(form, ())}


def _forms(word: str) -> set[str]:
    """Return a word, and what it may be a form of: `enabled` is of `enable`, `stopped` of `stop`."""
    cut = {
        word.removesuffix(ending) for ending in ("s", "d", "ed", "ing") if len(word) > len(ending) + _SHORTEST
    }
    return {word, *cut, *(one + "e" for one in cut), *(one[:-1] for one in cut if one[-1:] == one[-2:-1])}


def _has_opposite(words: set[str], others: set[str]) -> bool:
    """Say whether one of `words` is one of `others` behind a prefix: `unpaid` and `paid`."""
    turned = {prefix + rest for rest in others if len(rest) > _SHORTEST for prefix in _PREFIXES}
    return not turned.isdisjoint(words)


def _is_turned_round(one: str, other: str) -> bool:
    """Say whether two words stand the other way round, about a word such as `to`, or as the only names."""
    here, there = _pairs(one), _pairs(other)
    if any((after, before) in there for before, after in here if before != after):
        return True
    names, others = list(_read(one)["name"]), list(_read(other)["name"])
    return (
        names != others
        and sorted(names) == sorted(others)
        and sorted(content_terms(one)) == sorted(content_terms(other))
    )


def _pairs(text: str) -> set[tuple[str, str]]:
    """Return the telling words before and behind each word that has a direction."""
    words = _lower(text)
    found: set[tuple[str, str]] = set()
    for at, word in enumerate(words):
        if word in _DIRECTED:
            before = [stem(one) for one in words[max(0, at - _REACH) : at] if one not in STOP_WORDS][-1:]
            behind = [stem(one) for one in words[at + 1 : at + 1 + _REACH] if one not in STOP_WORDS][:1]
            found.update(zip(before, behind, strict=False))
    return found


def _asked(text: str) -> str:
    """Return the word that says what is wanted, where a question opens with one that can be no other."""
    found = _OPENING.match(_plain(text).lower())
    return found["word"] if found else ""


def _lower(text: str) -> list[str]:
    return [token.group().lower() for token in _TOKEN.finditer(_plain(text))]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
