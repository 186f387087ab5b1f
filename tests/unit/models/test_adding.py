"""A model put into models.yaml: whatever way the file is written, all that it said before stands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Catalogue
from buttress.models.adding import Addition, with_model
from buttress.models.declaration import read_catalogue
from buttress.models.errors import ModelNotAdded

PATH = Path("models.yaml")
PROVIDERS = {"openai", "extractive"}
FIELDS: dict[str, str | int] = {"provider": "extractive", "window_tokens": 9_000}


def added(text: str, **given_: object) -> str:
    """Return `text` with the model `new` in it."""
    ladder, is_first = str(given_.get("ladder", "")), bool(given_.get("is_first"))
    addition = Addition(name="new", fields=FIELDS, ladder=ladder, is_first=is_first)
    return with_model(text, PATH, addition, PROVIDERS)


ENTRY = "  new:\n    provider: extractive\n    window_tokens: 9000\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", f"models:\n{ENTRY}", id="no file"),
        pytest.param(
            "models:\n  a: {provider: extractive} # quotes\n\n  # more:\n\nladders:\n  l: [a]\n",
            f"models:\n  a: {{provider: extractive}} # quotes\n{ENTRY}\n  # more:\n\nladders:\n  l: [a]\n",
            id="before the comments that follow",
        ),
        pytest.param(
            "models:\n    a:\n        provider: extractive",
            "models:\n    a:\n        provider: extractive\n    new:\n      provider: extractive\n"
            "      window_tokens: 9000\n",
            id="no end of line, another indent",
        ),
        pytest.param(
            "models:\r\n  a: {provider: extractive}\r\n",
            "models:\r\n  a: {provider: extractive}\r\n" + ENTRY.replace("\n", "\r\n"),
            id="ends of line of Windows",
        ),
        pytest.param(
            "models: {a: {provider: extractive}} # one\n",
            "models: {a: {provider: extractive}, new: {provider: extractive, window_tokens: 9000}} # one\n",
            id="all on one line",
        ),
        pytest.param(
            "models: {\n  a: {provider: extractive},\n}\n",
            "models: {\n  a: {provider: extractive}, new: {provider: extractive, window_tokens: 9000},\n}\n",
            id="brackets over lines",
        ),
        pytest.param(
            "models: {}\n", "models: {new: {provider: extractive, window_tokens: 9000}}\n", id="no models"
        ),
        pytest.param(
            "models:\n  a:\n    provider: >\n      extractive\nladders:\n  l: [a]\n".replace(">", ">-"),
            f"models:\n  a:\n    provider: >-\n      extractive\n{ENTRY}ladders:\n  l: [a]\n",
            id="a text over lines",
        ),
    ],
)
def test_the_entry_stands_behind_the_last_model(before: str, after: str) -> None:
    assert added(before) == after


@pytest.mark.parametrize(
    ("ladder", "last", "first"),
    [
        pytest.param("l: [a] # one", "l: [a, new] # one", "l: [new, a] # one", id="on one line"),
        pytest.param(
            "l:\n    - a # one", "l:\n    - a # one\n    - new", "l:\n    - new\n    - a # one", id="a list"
        ),
        pytest.param(
            "l:\n  - a", "l:\n  - a\n  - new", "l:\n  - new\n  - a", id="a list that is not indented"
        ),
        pytest.param(
            "l: {rungs: [a], hedge_after_ms: 9}",
            "l: {rungs: [a, new], hedge_after_ms: 9}",
            "l: {rungs: [new, a], hedge_after_ms: 9}",
            id="with a hedge",
        ),
        pytest.param("l: [[a, b]]", "l: [[a, b], new]", "l: [new, [a, b]]", id="a rung of several"),
        pytest.param(
            "l:\n    - {a: 1,\n       b: 2}",
            "l:\n    - {a: 1,\n       b: 2}\n    - new",
            "l:\n    - new\n    - {a: 1,\n       b: 2}",
            id="a rung over lines",
        ),
    ],
)
def test_it_stands_on_the_ladder(ladder: str, last: str, first: str) -> None:
    models = "models:\n  a: {provider: extractive}\n  b: {provider: extractive}\n"
    text = f"{models}ladders:\n  {ladder}\n  other: [b]\n"
    for is_first, expected in ((False, last), (True, first)):
        after = added(text, ladder="l", is_first=is_first)
        assert after == f"{models}{ENTRY}ladders:\n  {expected}\n  other: [b]\n"


def test_ladders_may_stand_before_the_models() -> None:
    text = "ladders:\n  l:\n    - a\nmodels:\n  a: {provider: extractive}\n"
    assert added(text, ladder="l") == (
        f"ladders:\n  l:\n    - a\n    - new\nmodels:\n  a: {{provider: extractive}}\n{ENTRY}"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("models: {new: {provider: extractive}}", "already", id="a name that exists"),
        pytest.param(
            "models: {a: {provider: extractive}}\nladders: {new: [a]}", "already", id="the name of a ladder"
        ),
        pytest.param("models: {a: {provider: x}}", "models.a.provider", id="a file with mistakes"),
        pytest.param("models:\n  ? a\n  : {provider: extractive}\n# end", "by hand", id="a key with a mark"),
        pytest.param("{models: {a: {provider: extractive}}", "YAML", id="no YAML"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, said: str) -> None:
    with pytest.raises(ModelNotAdded) as refused:
        added(text)
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_no_other_ladder_changes_with_the_one_that_is_meant() -> None:
    text = "models:\n  a: {provider: extractive}\nladders:\n  l: &l [a]\n  m: *l\n"
    with pytest.raises(ModelNotAdded, match="nothing can be put into"):
        added(text, ladder="m")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("models: &all\n  a: &a {provider: extractive}\n...\n# end", id="anchors, and an end"),
        pytest.param("{models: {a: {provider: extractive}}}", id="brackets around everything"),
        pytest.param('"models":\n  "a": {"provider": "extractive"}\n', id="quotes"),
        pytest.param("---\nmodels:\n  a:\n    provider: extractive\n    price:\n", id="an empty value"),
    ],
)
def test_odd_but_sound_files_are_added_to(text: str) -> None:
    read = read_catalogue(added(text), PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert list(read.models) == ["a", "new"]


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_said_is_read_back_or_refused(name: str, told: str) -> None:
    before = "models:\n  a: {provider: extractive}\nladders:\n  l: [a]\n"
    addition = Addition(name=name, fields={"provider": "extractive", "id": told}, ladder="l")
    try:
        after = with_model(before, PATH, addition, PROVIDERS)
    except ModelNotAdded:
        return
    read = read_catalogue(after, PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert read.models[name].id == told
    assert read.ladders["l"].names == ("a", name)


def test_a_ladder_that_it_does_not_belong_on_says_why() -> None:
    fields = {"provider": "embeddings", "base_url": "http://gpu/v1"}
    first = Addition(name="small", fields=fields | {"id": "e-small"})
    other = Addition(name="large", fields=fields | {"id": "e-large"}, ladder="vectors")
    text = with_model("", PATH, first, {"embeddings"}) + "ladders:\n  vectors: [small]\n"
    with pytest.raises(ModelNotAdded, match="do not compare") as caught:
        with_model(text, PATH, other, {"embeddings"})
    assert "`e-small`, `e-large` are different embedding models" in caught.value.message
    assert "the same `id:`" in caught.value.hint
