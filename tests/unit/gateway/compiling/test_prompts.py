"""Prompts of a generate stage: variables, passages, ladder, window."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.files import TextFile
from buttress.gateway.compiling.prompts import (
    Written,
    ladder_mistake,
    read_prompt,
    use_mistakes,
    window_mistakes,
)
from buttress.kernel.catalogue import Catalogue, Model, plain_ladder
from buttress.kernel.errors import Location
from buttress.prompts.defaults import ANSWER_NAME
from buttress.prompts.types import Use

PATH = Path("answer.md")
WHERE = Location(Path("feature.yaml"), 9)


def written(text: str) -> Written:
    """Read what is known to be a prompt."""
    prompt = read_prompt(TextFile(name="answer.md", path=PATH, text=text, sha256=""), WHERE)
    assert isinstance(prompt, Written)
    return prompt


@pytest.mark.parametrize(
    ("path", "retrieved", "part"),
    [
        pytest.param(("question",), False, "", id="a property of the input"),
        pytest.param(("question", "anything"), False, "", id="a part of one"),
        pytest.param(("qestion",), False, "Did you mean `question`?", id="nearly one"),
        pytest.param(("zzz",), True, "There are: question, passages.", id="none"),
        pytest.param(("passages",), False, "kind: retrieve", id="passages that nobody retrieved"),
        pytest.param(("passages",), True, "", id="passages"),
        pytest.param(("passages", "*", "text"), True, "", id="a field of a passage"),
        pytest.param(("passages", "*", "txt"), True, "Did you mean `text`?", id="nearly a field"),
        pytest.param(("passages", "*", "*"), True, "", id="a field that cannot be told"),
        pytest.param(("passages", "text"), True, "`passages` is a list", id="a field of the list"),
    ],
)
def test_what_a_prompt_uses(path: tuple[str, ...], part: str, *, retrieved: bool) -> None:
    mistakes = use_mistakes([Use(path, 5), Use(path, 5)], PATH, ["question"], retrieved=retrieved)
    assert len(mistakes) == bool(part)
    if part:
        assert part in str(mistakes[0])
        assert mistakes[0].where == Location(PATH, 5)


def test_without_a_file_there_is_the_default_prompt() -> None:
    prompt = read_prompt(None, WHERE)
    assert isinstance(prompt, Written)
    assert prompt.name == ANSWER_NAME


def test_a_ladder_or_a_model_is_named() -> None:
    catalogue = Catalogue(
        {"quotes": Model(name="quotes", provider="extractive")}, {"answers": plain_ladder("quotes")}
    )
    assert ladder_mistake("answers", catalogue, WHERE) == ladder_mistake("quotes", catalogue, WHERE) == []
    assert "Did you mean `quotes`?" in str(ladder_mistake("quote", catalogue, WHERE)[0])
    assert "none" in str(ladder_mistake("x", Catalogue({}, {}), WHERE)[0])


def test_what_re_ranks_writes_nothing() -> None:
    models = {
        "quotes": Model(name="quotes", provider="extractive"),
        "own": Model(name="own", provider="own-rerank"),
    }
    catalogue = Catalogue(models, {"answers": plain_ladder("own", "quotes")})
    (mistake,) = ladder_mistake("answers", catalogue, WHERE)
    assert "`own` re-ranks documents" in mistake.message


def test_what_embeds_writes_nothing() -> None:
    models = {"vectors": Model(name="vectors", provider="embeddings", id="e")}
    (mistake,) = ladder_mistake("vectors", Catalogue(models, {}), WHERE)
    assert "`vectors` embeds texts, and writes nothing" in mistake.message
    assert "POST /v1/embeddings" in mistake.hint


@pytest.mark.parametrize(
    ("window", "most", "max_tokens", "parts"),
    [
        pytest.param(200, 100, 100, [], id="enough"),
        pytest.param(110, 100, 100, ["(110 tokens) is too small"], id="a window too small"),
        pytest.param(200, 99, 100, ["gives 99"], id="an answer too long"),
        pytest.param(100, 99, 100, ["gives 99", "too small"], id="both"),
    ],
)
def test_the_window_holds_the_prompt_and_the_answer(
    window: int, most: int, max_tokens: int, parts: list[str]
) -> None:
    model = Model(name="m", provider="p", window_tokens=window, max_output_tokens=most)
    prompt = written(
        "# user\nTwelve words which stand here so that they take some room, yes.\n{{ question }}"
    )
    mistakes = list(window_mistakes(prompt, [model], max_tokens, WHERE))
    assert len(mistakes) == len(parts)
    assert all(part in str(one) for part, one in zip(parts, mistakes, strict=True))
