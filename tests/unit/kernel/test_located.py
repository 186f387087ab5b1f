"""YAML with lines: every mistake names the line it stands on."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import Mistake
from buttress.kernel.located import (
    MAX_DEPTH,
    Located,
    convert,
    convert_all,
    did_you_mean,
    parse_yaml,
    read_entries,
)

PATH = Path("some.yaml")


class Rung(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the file of these tests."""

    name: str
    weight: int = 1


class File(msgspec.Struct, forbid_unknown_fields=True):
    """The file of these tests."""

    title: str = ""
    rungs: list[Rung] = []


def located(text: str) -> Located:
    """Parse what is known to be well-formed."""
    parsed = parse_yaml(text, PATH)
    assert isinstance(parsed, Located)
    return parsed


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        pytest.param(
            "title: x\nrungs:\n- {name: a, wight: 2}", 3, "Did you mean `weight`?", id="a misspelt key"
        ),
        pytest.param(
            "title: x\nrungs:\n- name: a\n  zzz: 2", 4, "Known keys: name, weight", id="an unknown key"
        ),
        pytest.param("title: x\nrungs:\n- name: a\n  weight: two", 4, "rungs.0.weight", id="a wrong type"),
        pytest.param("title: x\nrungs:\n- weight: 2", 3, "`name` is missing", id="a missing key"),
    ],
)
def test_a_value_that_does_not_fit_names_its_line(text: str, line: int, part: str) -> None:
    mistake = convert(located(text), File)
    assert isinstance(mistake, Mistake)
    assert mistake.where.line == line
    assert part in str(mistake)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: [1\nb: 2", 2, id="an open bracket"),
        pytest.param("a: 1\nb: 2\na: 3", 3, id="a key given twice"),
        pytest.param("a: *nobody", 1, id="an alias of nothing"),
        pytest.param("a: !!python/object:os.system x", 1, id="a tag that would run code"),
        pytest.param("\x00", None, id="a NUL"),
        pytest.param("a:\n  ? [1, 2]\n  : x", 2, id="a key that is a list"),
        pytest.param("a: 1\nb: !!int x", 2, id="a tag that does not fit its value"),
        pytest.param("a: 1\nb: !!binary aGk=", 2, id="bytes"),
        pytest.param("a: .nan", 1, id="a number that JSON has not"),
        pytest.param("a: 9223372036854775808", 1, id="a number that does not fit in 64 bits"),
        pytest.param("a: &a\n  - *a", 1, id="an alias of what holds it"),
    ],
)
def test_a_text_that_is_not_plain_yaml_is_a_mistake(text: str, line: int | None) -> None:
    mistake = parse_yaml(text, PATH)
    assert isinstance(mistake, Mistake)
    assert mistake.where.line == line


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    levels = "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 10)}]" for n in range(1, 12))
    mistake = parse_yaml(f"k0: &k0 x\n{levels}", PATH)
    assert isinstance(mistake, Mistake)
    assert "unfolds" in mistake.message


def test_a_text_nested_too_deep_is_refused_before_the_c_parser_recurses() -> None:
    for text in ("[" * 500_000, "- " * 500_000, "{a: " * 500_000):
        mistake = parse_yaml(text, PATH)
        assert isinstance(mistake, Mistake)
        assert str(MAX_DEPTH) in mistake.message


def test_a_text_of_too_many_values_is_refused_before_they_are_made() -> None:
    mistake = parse_yaml("a: [" + "x," * 1_000_000 + "]", PATH)
    assert isinstance(mistake, Mistake)
    assert "unfolds" in mistake.message


def test_a_date_stays_the_text_it_is_written_as() -> None:
    assert located("{a: 2024-02-30, b: 2024-01-01 10:00:00}").value == {
        "a": "2024-02-30",
        "b": "2024-01-01 10:00:00",
    }


def test_all_that_does_not_fit_is_told_at_once() -> None:
    text = "titel: x\nrungs:\n- {nam: a}\n- name: b\n  weight: two\n- {name: 1}\n"
    mistakes = convert_all(located(text), File)
    assert isinstance(mistakes, list)
    assert [(one.where.line, one.message) for one in mistakes] == [
        (1, "the file: unknown key `titel`"),
        (3, "rungs.0: unknown key `nam`"),
        (3, "rungs.0: `name` is missing"),
        (5, "rungs.1.weight: expected a whole number, found a text"),
        (6, "rungs.2.name: expected a text, found a whole number"),
    ]
    assert convert_all(located("title: x"), File) == File(title="x")


def test_lines_count_from_where_the_text_begins_in_its_file() -> None:
    parsed = parse_yaml("a: 1\nb: 2", PATH, first_line=10)
    assert isinstance(parsed, Located)
    assert parsed.at("b").line == 11


def test_what_is_not_there_has_the_line_of_its_nearest_parent() -> None:
    assert located("a:\n  b:\n    c: 1").at("a", "b", "zzz", 3).line == 2
    assert located("a: {b: [1, 2]}").get("a", "b", 1) == 2
    assert located("a: {b: [1, 2]}").get("a", "b", 7, "c") is None


def test_a_near_name_is_suggested() -> None:
    assert did_you_mean("tenent", ["tenant", "user"]) == "Did you mean `tenant`?"
    assert did_you_mean("xyz", ["tenant", "user"]) == ""


@given(st.text(max_size=200))
def test_any_text_gives_a_value_or_a_mistake(text: str) -> None:
    assert isinstance(parse_yaml(text, PATH), Located | Mistake)


@given(st.text(alphabet="ab01:- \n[]{}&*!?|>'\"#,.", max_size=60))
def test_all_mistakes_are_found_exactly_when_the_first_one_is(text: str) -> None:
    parsed = parse_yaml(text, PATH)
    if isinstance(parsed, Located):
        first, every = convert(parsed, File), convert_all(parsed, File)
        assert isinstance(first, Mistake) == isinstance(every, list)
        assert every or isinstance(every, File)


class Entries(msgspec.Struct, forbid_unknown_fields=True):
    """A file of one field."""

    things: dict[str, object] = {}


def a_thing(located: Located, name: str) -> int | list[Mistake]:
    return convert_all(located, int, "things", name)


def no_two_alike(located: Located, things: Sequence[int]) -> list[Mistake]:
    is_fine = len({*things}) == len(things)
    return [] if is_fine else [Mistake(located.at("things"), "two are alike", "Change one.")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", (), id="an empty file declares nothing"),
        pytest.param("things: {b: 2, a: 1}", (1, 2), id="in the order of the names"),
        pytest.param("things:\n  b: x\n  a: y\n", [2, 3], id="every mistake, by its line"),
        pytest.param("things: {a: 1, b: 1}", [1], id="what is wrong among right ones"),
        pytest.param("thing: {a: 1}", [1], id="another name of the field"),
        pytest.param("things: [}", [1], id="no YAML"),
    ],
)
def test_entries_are_read_by_name_or_all_their_mistakes(text: str, found: object) -> None:
    read = read_entries(text, Path("things.yaml"), Entries, a_thing, no_two_alike)
    assert ([one.where.line for one in read] if isinstance(read, list) else read) == found
