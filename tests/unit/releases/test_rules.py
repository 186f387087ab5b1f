"""Tables and patterns: the same question in other clothes, and answers with groups in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.releases.rules import answer_of_regex, answer_of_table, fill_in, names_in, normalise
from buttress.releases.types import RegexRule, TableRule

TABLE = TableRule("faq.csv", {"what are your opening hours": "From 9 to 5."})


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param("What are your opening hours?", "From 9 to 5.", id="as it stands"),
        pytest.param("  WHAT are\nyour  opening\thours ?! ", "From 9 to 5.", id="other case and spaces"),
        pytest.param("What are your opening hours", "From 9 to 5.", id="no punctuation"),
        pytest.param("What are your opening hours today?", None, id="another question"),
        pytest.param("", None, id="nothing"),
        pytest.param("???", None, id="punctuation only"),
    ],
)
def test_a_table_answers_the_same_question_in_other_clothes(asked: str, answer: str | None) -> None:
    assert answer_of_table(TABLE, asked) == answer


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="aAbBäÄßéÉ 12-", max_size=30))
def test_case_spaces_and_final_punctuation_do_not_count(text: str) -> None:
    for same in (text.lower(), f"  {text}? ", text.replace(" ", " \t "), f"{text}...", f"{text} !"):
        assert normalise(same) == normalise(text)


@pytest.mark.parametrize(
    ("pattern", "answer", "asked", "text"),
    [
        pytest.param("open", "From 9.", "when do you open?", "From 9.", id="a fixed answer"),
        pytest.param("to (?P<c>\\w+)", "{{c}}: 5 EUR", "to Rome", "Rome: 5 EUR", id="with a group"),
        pytest.param("to (?P<c>\\w+)", "{{ c }}{{ c }}", "to Rome", "RomeRome", id="a group twice"),
        pytest.param("(?P<c>.+)", "{{ c }}", "{{ c }}", "{{ c }}", id="what is filled in is only text"),
        pytest.param("close", "At 5.", "when do you open?", None, id="nowhere in the text"),
        pytest.param("(", "At 5.", "(", None, id="no pattern at all"),
    ],
)
def test_regex(pattern: str, answer: str, asked: str, text: str | None) -> None:
    assert answer_of_regex(RegexRule(pattern, answer), asked) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_group_is_data_whatever_it_holds(before: str, value: str) -> None:
    if "{{" not in before and not before.endswith("{"):
        assert fill_in(f"{before}{{{{ x }}}}", {"x": value}) == before + value


def test_names_in_an_answer_are_listed_even_when_they_are_none() -> None:
    assert names_in("{{ a }} and {{ b|upper }} and {{}}") == ["a", "b|upper", ""]
    assert fill_in("{{ a|upper }} {{ b }}", {"a": "x"}) == "{{ a|upper }} {{ b }}"
