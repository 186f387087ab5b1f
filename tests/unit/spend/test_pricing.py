"""Prices of the packaged list, asked for in a process of its own, and kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from buttress.kernel.catalogue import Model, Price
from buttress.spend.listed import Entry
from buttress.spend.pricing import fits, list_version, prices_of

GPT = Entry("openai", "gpt-5")
CLAUDE = Entry("anthropic", "claude-sonnet-4-5")
NOBODYS = Entry("openai", "gpt-99")


def input_of(price: Price | None) -> float | None:
    return price.input if price else None


@pytest.mark.slow
def test_what_the_list_says_is_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    kept = tmp_path / "prices.json"
    first = prices_of([GPT, NOBODYS], kept)
    assert input_of(first[GPT]) == 1.25
    assert first[NOBODYS] is None
    told = json.loads(kept.read_bytes())
    for one in told["known"]:
        if one["price"]:
            one["price"]["input"] = 7.0
    kept.write_text(json.dumps(told))
    again = prices_of([NOBODYS, GPT], kept)
    assert input_of(again[GPT]) == 7.0, "it was read from the file"
    both = prices_of([GPT, CLAUDE], kept)
    assert (both[GPT], both[CLAUDE] is not None) == (again[GPT], True), "only what is new was asked for"


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"form": 1, "list_version": ', id="cut"),
        pytest.param(b'{"form": 9, "list_version": "%b", "known": []}', id="of a newer Buttress"),
        pytest.param(
            b'{"form": 1, "list_version": "0.0.1", "known": [{"entry": '
            b'{"seller": "openai", "model": "gpt-5"}, "price": {"input": 9, "output": 9}}]}',
            id="of an older list",
        ),
    ],
)
def test_a_kept_file_that_is_of_no_use_is_made_anew(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "prices.json"
    kept.write_bytes(content.replace(b"%b", list_version().encode()))
    found = prices_of([GPT], kept)[GPT]
    assert found is not None
    assert found.input == 1.25
    assert json.loads(kept.read_bytes())["list_version"] == list_version()


@pytest.mark.slow
def test_where_nothing_can_be_kept_it_is_still_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = prices_of([GPT], tmp_path / "file" / "prices.json")[GPT]
    assert found is not None


def test_nothing_is_asked_for_nothing(tmp_path: Path) -> None:
    assert prices_of([], tmp_path / "prices.json") == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_no_process_that_serves_has_the_list_in_memory(tmp_path: Path) -> None:
    """It is 26 MB, for a few figures."""
    (tmp_path / "models.yaml").write_text(
        "models: {c: {provider: anthropic, id: claude-sonnet-4-5, key: env:K}}"
    )
    code = (
        "import sys; from pathlib import Path; from buttress.app.project import declared_models;"
        "import buttress.server.worker;"
        "priced = declared_models(Path(sys.argv[1])).models['c'].price;"
        "print(priced is not None, 'genai_prices' in sys.modules, 'pydantic' in sys.modules)"
    )
    command = [sys.executable, "-P", "-c", code, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, check=True, timeout=50)
    assert told.stdout.split() == [b"True", b"False", b"False"]


@pytest.mark.parametrize(
    ("price", "provider", "expected"),
    [
        pytest.param(Price(input=1, output=2), "openai", True, id="both are paid for"),
        pytest.param(Price(input=0, output=0), "openai", True, id="a free model"),
        pytest.param(Price(input=1, output=0), "openai", False, id="answers for nothing"),
        pytest.param(Price(input=1, output=0), "embeddings", True, id="vectors are nothing that is said"),
    ],
)
def test_fits(price: Price, provider: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert fits(price, Model(name="m", provider=provider)) is expected
