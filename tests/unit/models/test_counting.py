"""Who counts for whom: exactly with a tokenizer, by an estimate without; of a ladder, who counts most."""

from pathlib import Path

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.tokens import EstimatedTokens
from buttress.models.counting import MOST_LOADED, Counters, readers_of
from buttress.models.openai_tokens import load_openai_counter
from tests.local_models import SMALL, needs_model

QUOTES = Model(name="quotes", provider="extractive")
MINI = Model(name="mini", provider="openai", id="gpt-4o-mini")
OLD = Model(name="old", provider="openai", id="gpt-4")
OTHER = Model(name="other", provider="openai", id="llama")
CLAUDE = Model(name="claude", provider="anthropic", id="gpt-4o")
BROKEN = Model(name="broken", provider="local", path="gone.gguf")
TEXTS = ("Hello.", "お誕生日おめでとう", "word " * 100, "1234567890" * 20, "")


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        pytest.param(MINI, "o200k_base", id="OpenAI's"),
        pytest.param(OLD, "cl100k_base", id="OpenAI's, older"),
        pytest.param(OTHER, None, id="in OpenAI's format"),
        pytest.param(CLAUDE, None, id="another provider's, whatever its id"),
        pytest.param(BROKEN, None, id="a file that is not there"),
    ],
)
async def test_one_model(tmp_path: Path, model: Model, encoding: str | None) -> None:
    counter = await Counters(tmp_path).of([model])
    expected = load_openai_counter(encoding) if encoding else EstimatedTokens()
    assert [counter.count(text) for text in TEXTS] == [expected.count(text) for text in TEXTS]


async def test_what_is_at_hand_was_loaded_before_and_nothing_is_loaded_for_it(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    assert isinstance(counters.at_hand(MINI), EstimatedTokens)
    exact = await counters.of([MINI])
    assert counters.at_hand(MINI) is exact
    assert isinstance(counters.at_hand(OTHER), EstimatedTokens)


async def test_of_files_that_are_named_anew_for_ever_few_are_kept(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    exact = await counters.of([MINI])
    for number in range(MOST_LOADED - 1):
        await counters.of([Model(name="small", provider="local", path=f"{number}.gguf")])
    assert counters.at_hand(MINI) is exact
    await counters.of([Model(name="small", provider="local", path="another.gguf")])
    assert isinstance(counters.at_hand(MINI), EstimatedTokens)


async def test_what_fits_by_a_ladder_fits_each_rung(tmp_path: Path) -> None:
    counters, ladder = Counters(tmp_path), [MINI, OLD, OTHER]
    worst = await counters.of(ladder)
    each = [await counters.of([model]) for model in ladder]
    assert [worst.count(text) for text in TEXTS] == [max(one.count(text) for one in each) for text in TEXTS]


@needs_model
async def test_the_packaged_model_is_counted_by_its_own_tokenizer(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    exact = await counters.of([SMALL])
    assert exact.count("1234567890") == 10  # a token a digit
    assert await counters.of([SMALL]) is exact


def test_the_provider_that_quotes_reads_no_prompt() -> None:
    assert readers_of([SMALL, QUOTES]) == [SMALL]
    assert readers_of([QUOTES]) == [QUOTES]
