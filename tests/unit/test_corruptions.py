"""True sentences made false, for the benchmark of what is withheld."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st


def load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "corruptions.py"
    spec = importlib.util.spec_from_file_location("corruptions", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


corruptions = load()
PASSAGE = (
    "On 3 March 1666 Duke William beat King Harold, who was not ready, with 12 ships; most of them were "
    "larger than those of Tostig. The battle lasted 9 hours."
)


@pytest.mark.parametrize(
    ("kind", "sentence", "false"),
    [
        pytest.param("another number", "It took 12 ships.", "It took 22 ships.", id="a number"),
        pytest.param(
            "another number of the passage", "It took 12 ships.", "It took 9 ships.", id="its own number"
        ),
        pytest.param("another unit", "It lasted 9 hours.", "It lasted 9 days.", id="a unit"),
        pytest.param("another date", "It was in 1666.", "It was in 1663.", id="a year"),
        pytest.param("another date", "It was in March 1666.", "It was in July 1666.", id="a month"),
        pytest.param(
            "another name of the passage", "so Duke William beat him.", "so Tostig beat him.", id="a name"
        ),
        pytest.param("not added", "It was larger.", "It was not larger.", id="a not"),
        pytest.param("not removed", "He was not ready.", "He was ready.", id="no not"),
        pytest.param("not removed", "He wasn't ready.", "He was ready.", id="no short not"),
        pytest.param(
            "a word of a quote", 'It says "larger than those".', 'It says "larger than battle".', id="a quote"
        ),
        pytest.param("all for some", "It was most of them.", "It was all of them.", id="how many"),
        pytest.param("more for less", "They were larger.", "They were smaller.", id="which way"),
        pytest.param(
            "two names swapped",
            "so Duke William beat King Harold.",
            "so King Harold beat Duke William.",
            id="names",
        ),
        pytest.param(
            "subject and object swapped", "Rain causes floods.", "Floods causes rain.", id="the sides"
        ),
    ],
)
def test_one_thing_is_made_wrong(kind: str, sentence: str, false: str) -> None:
    assert corruptions.CORRUPTIONS[kind](sentence, PASSAGE) == false


@pytest.mark.parametrize("kind", corruptions.CORRUPTIONS)
def test_where_there_is_nothing_to_get_wrong_there_is_none(kind: str) -> None:
    if kind != "a word of a quote":  # a sentence without a quotation is quoted as a whole
        assert corruptions.CORRUPTIONS[kind]("it rains.", PASSAGE) is None


@pytest.mark.parametrize("kind", corruptions.CORRUPTIONS)
@given(sentence=st.lists(st.sampled_from(PASSAGE.split()), max_size=12).map(" ".join))
def test_the_same_sentence_gives_the_same_false_one(kind: str, sentence: str) -> None:
    corrupt = corruptions.CORRUPTIONS[kind]
    assert corrupt(sentence, PASSAGE) == corrupt(sentence, PASSAGE)
