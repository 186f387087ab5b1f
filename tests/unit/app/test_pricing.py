"""Models without a price of their own get the packaged list's."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from buttress.app.layout import prices_file
from buttress.app.pricing import with_prices
from buttress.app.project import declared_models
from buttress.kernel.catalogue import Catalogue, Change, Lane, Model, Price

OPENAI = "https://api.openai.com/v1"
OWN = Price(input=7, output=8, source="our contract")


def catalogue(*models: Model) -> Catalogue:
    return Catalogue({model.name: model for model in models}, {})


@pytest.mark.slow
def test_what_models_yaml_says_stays_and_what_the_list_does_not_know_is_unknown(tmp_path: Path) -> None:
    given = catalogue(
        Model(name="listed", provider="openai", id="gpt-5", base_url=OPENAI),
        Model(name="own", provider="openai", id="gpt-5", base_url=OPENAI, price=OWN),
        Model(name="elsewhere", provider="openai", id="gpt-5", base_url="https://llm.example.com/v1"),
        Model(name="novel", provider="openai", id="gpt-99", base_url=OPENAI),
    )
    found = with_prices(given, tmp_path)
    prices = {name: model.price for name, model in found.models.items()}
    assert prices["listed"] is not None
    assert prices["listed"].input == 1.25
    assert (prices["own"], prices["elsewhere"], prices["novel"]) == (OWN, None, None)
    assert with_prices(given, tmp_path) == found, "from the kept file"


def test_a_project_without_such_models_keeps_nothing(tmp_path: Path) -> None:
    given = catalogue(Model(name="own", provider="openai", id="gpt-5", base_url=OPENAI, price=OWN))
    assert with_prices(given, tmp_path) is given
    assert not prices_file(tmp_path).exists()


@pytest.mark.slow
def test_the_models_of_a_project_have_their_prices(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(
        "models: {c: {provider: anthropic, id: claude-sonnet-4-5, key: env:K}}"
    )
    price = declared_models(tmp_path).models["c"].price
    assert price is not None
    assert (price.input, price.cache_write, price.cache_write_1h) == (3.0, 3.75, 6.0)


def test_a_price_with_all_there_is_survives_being_kept() -> None:
    """What was compiled is kept as JSON, and another process begins with it."""
    lane = Lane("flex", Price(input=0.5, output=1))
    later = Change(price=OWN, since=dt.date(2027, 1, 1))
    hours = Change(price=OWN, daily=(dt.time(22), dt.time(6, 30)))
    price = Price(input=1, output=2, changes=(later, hours), lanes=(lane,), date=dt.date(2026, 5, 1))
    given = catalogue(Model(name="m", provider="openai", price=price))
    assert msgspec.json.decode(msgspec.json.encode(given), type=Catalogue) == given
