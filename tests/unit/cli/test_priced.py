"""What a model costs, in words."""

import datetime as dt

import pytest

from buttress.cli.priced import lines_of, price_source, rates_said, why_unknown
from buttress.kernel.catalogue import Change, Model, Price, Tier, Tiered

FREE = Price(input=0, output=0)


@pytest.mark.parametrize(
    ("price", "lines"),
    [
        pytest.param(Price(input=1.25, output=10), ["$1.25 in, $10 out per million tokens"], id="plain"),
        pytest.param(
            Price(input=1, output=2, reasoning=3, cache_write_1h=4),
            ["$1 in, $2 out, $4 written to it for an hour, $3 thought per million tokens"],
            id="every class that has a price",
        ),
        pytest.param(
            Price(
                input=1,
                output=2,
                request=0.005,
                text_only=True,
                tiers=(Tier(above_tokens=200_000, input=2, output=3),),
                batch=Tiered(input=0.5, output=1),
                changes=(
                    Change(price=FREE, since=dt.date(2027, 1, 1)),
                    Change(price=FREE, daily=(dt.time(1), dt.time(4, 30))),
                ),
            ),
            [
                "$1 in, $2 out per million tokens",
                "all of it, above 200,000 tokens of input: $2 in, $3 out",
                "$0.005 a request, beside its tokens",
                "in a batch: $0.5 in, $1 out per million tokens",
                "that of text; what sound costs is not told, and unknown",
                "from 2027-01-01 on: $0 in, $0 out per million tokens",
                "from 01:00 to 04:30 UTC: $0 in, $0 out per million tokens",
            ],
            id="all there can be",
        ),
    ],
)
def test_lines_of(price: Price, lines: list[str]) -> None:
    assert list(lines_of(price)) == lines
    assert lines[0].startswith(rates_said(price))


@pytest.mark.parametrize(
    ("model", "source"),
    [
        pytest.param(Model(name="m", provider="openai"), None, id="nobody"),
        pytest.param(Model(name="m", provider="extractive", price=FREE), "runs here", id="runs here"),
        pytest.param(Model(name="m", provider="openai", price=FREE), "models.yaml", id="the file"),
        pytest.param(
            Model(name="m", provider="openai", price=Price(input=1, output=1, source="list 1")),
            "list 1",
            id="a list",
        ),
    ],
)
def test_price_source(model: Model, source: str | None) -> None:
    assert price_source(model) == source


def test_why_nobody_knows() -> None:
    there = Model(name="m", provider="openai", id="gpt-5", base_url="https://llm.example.com/v1")
    assert "not a known seller's own" in why_unknown(there, "list 1")
    novel = Model(name="m", provider="anthropic", id="claude-99")
    assert "list 1 has no price by tokens for anthropic claude-99" in why_unknown(novel, "list 1")
