"""Models whose price models.yaml does not say get that of the packaged list, where it knows them."""

from pathlib import Path

import msgspec

from buttress.app.layout import make_kept_folder, prices_file
from buttress.kernel.catalogue import Catalogue, Model
from buttress.spend.listed import entry_of
from buttress.spend.pricing import fits, prices_of


def with_prices(catalogue: Catalogue, project: Path) -> Catalogue:
    """Return `catalogue` with a price for each model that the list knows and that has none of its own."""
    unpriced = [model for model in catalogue.models.values() if model.price is None]
    wanted = {model.name: entry for model in unpriced if (entry := entry_of(model)) is not None}
    if not wanted:
        return catalogue
    make_kept_folder(project)
    listed = prices_of(wanted.values(), prices_file(project))

    def priced(model: Model) -> Model:
        price = listed[wanted[model.name]] if model.name in wanted else None
        return msgspec.structs.replace(model, price=price) if price and fits(price, model) else model

    models = {name: priced(model) for name, model in catalogue.models.items()}
    return msgspec.structs.replace(catalogue, models=models)
