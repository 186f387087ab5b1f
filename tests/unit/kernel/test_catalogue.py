"""The catalogue: from a name to the models to try."""

from buttress.kernel.catalogue import Catalogue, Model, plain_ladder


def test_a_name_is_a_ladder_or_one_model() -> None:
    small, quotes = Model(name="small", provider="openai"), Model(name="quotes", provider="extractive")
    catalogue = Catalogue({"small": small, "quotes": quotes}, {"answers": plain_ladder("small", "quotes")})
    assert catalogue.rungs("answers") == (small, quotes)
    assert catalogue.rungs("quotes") == (quotes,)
    assert catalogue.rungs("nobody") == ()
