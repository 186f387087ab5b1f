"""Models and ladders as declared in a project's `models.yaml`."""

import msgspec


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens, one figure for each disjoint class of `Usage`.

    A class left out costs what its plain side does: cache reads and writes as input, reasoning as output.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `models.yaml`. `key` is a reference to a secret, never the secret.

    `path` is the file of a model that runs here, from the project's folder; empty for the packaged one.

    `price` None means that nobody knows what a call costs: its cost is recorded as unknown, never as 0.

    `backed` is for a weak model: it is asked only what the passages' own sentences can answer, only such
    sentences of it are released, and the quotes that it did not say follow.
    """

    name: str
    provider: str
    id: str = ""
    base_url: str = ""
    key: str = ""
    path: str = ""
    window_tokens: int = 8_192
    max_output_tokens: int = 1_024
    price: Price | None = None
    backed: bool = False


class Catalogue(msgspec.Struct, frozen=True):
    """Every model of a project by name, and every ladder: model names, cheapest first."""

    models: dict[str, Model]
    ladders: dict[str, tuple[str, ...]]

    def rungs(self, name: str) -> tuple[Model, ...]:
        """Return the models of ladder `name`, or the one model of that name; else nothing."""
        names = self.ladders.get(name, (name,))
        return tuple(self.models[one] for one in names if one in self.models)
