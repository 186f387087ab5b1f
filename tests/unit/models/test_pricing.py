"""The `price:` of a model in models.yaml."""

import datetime as dt
from pathlib import Path

import pytest

from buttress.kernel.catalogue import Lane, Price, Tier, Tiered
from buttress.models.declaration import read_catalogue

MODELS = """\
models:
  m:
    provider: openai
    id: x
    base_url: http://x.example/v1
    price:
"""


def read(price: str) -> Price | list[tuple[int | None, str, str]] | None:
    """Return the price that stands below `price:`, or each mistake as line, message and hint."""
    lines = "".join(f"      {line}\n" for line in price.splitlines())
    found = read_catalogue(MODELS + lines, Path("models.yaml"), {"openai"})
    if isinstance(found, list):
        return [(one.where.line, one.message, one.hint) for one in found]
    return found.models["m"].price


@pytest.mark.parametrize(
    ("written", "price"),
    [
        pytest.param("input: 1\noutput: 2", Price(input=1, output=2), id="the least"),
        pytest.param(
            "input: 1\noutput: 2\ncache_write_1h: 3\nreasoning: 4\nrequest: 0.01",
            Price(input=1, output=2, cache_write_1h=3, reasoning=4, request=0.01),
            id="every class, and a fee",
        ),
        pytest.param(
            "input: 1\noutput: 2\ntiers: [{above_tokens: 200_000, input: 2, output: 3}]\n"
            "batch: {input: 0.5, output: 1, tiers: [{above_tokens: 9, input: 1, output: 1}]}",
            Price(
                input=1,
                output=2,
                tiers=(Tier(above_tokens=200_000, input=2, output=3),),
                batch=Tiered(input=0.5, output=1, tiers=(Tier(above_tokens=9, input=1, output=1),)),
            ),
            id="longer requests, and batches",
        ),
        pytest.param(
            "input: 1\noutput: 2\nrequest: 0.01\nlanes: {priority: {input: 3, output: 4}}",
            Price(
                input=1,
                output=2,
                request=0.01,
                lanes=(Lane("priority", Price(input=3, output=4, request=0.01)),),
            ),
            id="lanes, with the fee of all",
        ),
        pytest.param(
            "input: 1\noutput: 2\nsource: our contract\ndate: 2026-05-01",
            Price(input=1, output=2, source="our contract", date=dt.date(2026, 5, 1)),
            id="who says so, and since when",
        ),
    ],
)
def test_a_price(written: str, price: Price) -> None:
    assert read(written) == price


@pytest.mark.parametrize(
    ("written", "line", "message", "hint"),
    [
        pytest.param("input: -1\noutput: 2", 7, "at least 0", "Change", id="negative"),
        pytest.param("input: cheap\noutput: 2", 7, "expected a number", "Change", id="a text"),
        pytest.param("input: 1\noutput: .nan", 8, "cannot be kept", "Use a number", id="no number"),
        pytest.param("input: .inf\noutput: 1", 7, "cannot be kept", "Use a number", id="without an end"),
        pytest.param("input: 1\noutput: 2000000000", 8, "at most 1000000", "Change", id="dollars a token"),
        pytest.param(
            "input: 1\noutput: 2\ncache_raed: 1", 9, "unknown key `cache_raed`", "`cache_read`", id="a typo"
        ),
        pytest.param("output: 2", 6, "`input` is missing", "Add `input:`", id="half a price"),
        pytest.param(
            "input: 1\noutput: 2\ntiers:\n- {above_tokens: 0, input: 2, output: 3}",
            10,
            "tiers.0.above_tokens",
            "Change",
            id="a tier above nothing",
        ),
        pytest.param(
            "input: 1\noutput: 2\ntiers:\n- {above_tokens: 9, input: 2, output: 3}\n"
            "- {above_tokens: 9, input: 2, output: 3}",
            11,
            "9 tokens come after 9",
            "shortest requests first",
            id="two tiers for the same length",
        ),
        pytest.param(
            "input: 1\noutput: 2\nbatch:\n  input: 1\n  output: -2",
            11,
            "batch.output",
            "Change",
            id="in a batch",
        ),
        pytest.param(
            "input: 1\noutput: 2\nlanes:\n  fast: {input: 1}",
            10,
            "`output` is missing",
            "Add `output:`",
            id="in a lane",
        ),
        pytest.param(
            "input: 1\noutput: 2\ndate: 2026-02-30", 9, "`2026-02-30` is no day", "2026-05-31", id="no day"
        ),
    ],
)
def test_a_mistake_in_it_is_told_with_its_line(written: str, line: int, message: str, hint: str) -> None:
    found = read(written)
    assert isinstance(found, list)
    assert len(found) == 1
    assert found[0][0] == line
    assert message in found[0][1]
    assert hint in found[0][2]
