"""Tables: columns, rows, and every mistake with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.compiling.tables import read_table
from buttress.releases.rules import answer_of_table, normalise
from buttress.releases.types import TableRule

PATH = Path("faq.csv")


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        pytest.param("question,answer\nA?,1\n", {"a": "1"}, id="a question and its answer"),
        pytest.param("Answer , QUESTION\n1,A\n", {"a": "1"}, id="columns in any order and case"),
        pytest.param("question,source,answer\nA,x,1\n", {"a": "1"}, id="a further column"),
        pytest.param("question,answer\nA,1\nB,1\n\n , \n", {"a": "1", "b": "1"}, id="one answer for two"),
        pytest.param('question,answer\n"A, b?","1\n2"\n', {"a, b": "1\n2"}, id="commas and lines in quotes"),
        pytest.param("question,answer\nA,1\na?,1\n", {"a": "1"}, id="the same twice"),
    ],
)
def test_a_table(text: str, answers: dict[str, str]) -> None:
    assert read_table(text, PATH) == answers


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        pytest.param("", 1, "the table is empty", id="empty"),
        pytest.param("\n\n", 1, "the table is empty", id="blank lines"),
        pytest.param("question,answer\n", 1, "no rows", id="a header only"),
        pytest.param("question,anser\nA,1\n", 1, "no column `answer`", id="a column is missing"),
        pytest.param("question;answer\nA;1\n", 1, "not semicolons", id="semicolons"),
        pytest.param("question,answer,answer\nA,1,2\n", 1, "there twice", id="a column twice"),
        pytest.param('question,answer\n"A\nB",1\nC\n', 4, "1 cells", id="a cell too few, behind two lines"),
        pytest.param("question,answer\nA,1,2\n", 2, "3 cells", id="a cell too many"),
        pytest.param("question,answer\nA,\n", 2, "no answer to `A`", id="no answer"),
        pytest.param("question,answer\n??,1\n", 2, "no question", id="no question"),
        pytest.param("question,answer\nA,1\n\na?,2\n", 4, "another answer on line 2", id="two answers"),
        pytest.param('question,answer\n"A,1\n', 2, "a quote opens here", id="an open quote"),
        pytest.param('question,answer\nA,"1\n\n"B",2\n', 2, "opens here", id="one that another closes"),
        pytest.param('question,answer\n"A\n?",1\nB,"""2"\nC,"3\n', 5, "opens here", id="behind right ones"),
        pytest.param('question,answer\n"A"b,1\n', 2, "comma-separated", id="text behind a quote"),
        pytest.param("question,answer\n" + "x" * 200_000 + ",1\n", None, "field", id="a cell too long"),
    ],
)
def test_a_mistake_names_its_line(text: str, line: int | None, part: str) -> None:
    mistakes = read_table(text, PATH)
    assert isinstance(mistakes, list)
    assert any(one.where.line == line and part in str(one) for one in mistakes), [
        str(one) for one in mistakes
    ]


cells = st.text(alphabet="abAB ?.1\n", min_size=1, max_size=8).filter(lambda text: bool(normalise(text)))


@given(st.dictionaries(cells.map(normalise), cells, min_size=1, max_size=6))
def test_every_question_of_a_table_finds_its_answer(answers: dict[str, str]) -> None:
    lines = [f'"{question}","{answer}"' for question, answer in answers.items()]
    table = read_table("\n".join(["question,answer", *lines]), PATH)
    assert isinstance(table, dict)
    rule = TableRule("faq.csv", table)
    for question, answer in answers.items():
        assert answer_of_table(rule, f" {question.upper()} ? ") == answer.strip()


@given(st.text(alphabet="question,answer\n\"; 'ab\r", max_size=60))
def test_any_text_is_a_table_or_mistakes(text: str) -> None:
    assert read_table(text, PATH)
    assert read_table(f"question,answer\n{text}", PATH)
