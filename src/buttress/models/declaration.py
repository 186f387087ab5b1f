"""Reading models.yaml: models, and the ladders they are tried in. Mistakes are values, all at once."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from buttress.kernel.cached import KeepPolicy
from buttress.kernel.catalogue import KEPT_HERE, Catalogue, DataPolicy, Ladder, Model, Option, Price
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean, parse_yaml
from buttress.kernel.secrets import has_password, parse_reference
from buttress.models.caches import odd_caches, read_caches
from buttress.models.ladders import LADDERS, read_ladder
from buttress.models.pricing import PriceEntry, odd_in, price_of

REQUIRED: dict[str, tuple[str, ...]] = {
    "openai": ("id", "base_url"),
    "anthropic": ("id", "key"),
    "gemini": ("id", "key"),
    "longtail": ("id",),
    "rerank": ("id", "base_url"),
    "embeddings": ("id", "base_url"),
}
"""What a provider cannot do without."""

HERE = ("extractive", "local", "own-rerank")
"""Providers that run on this machine: what a call costs, and what becomes of what it says, is known."""

RERANKERS = ("rerank", "own-rerank")
"""Providers of models that re-rank documents, and do nothing else."""

EMBEDDERS = ("embeddings",)
"""Providers of models that embed texts, and do nothing else."""

_WINDOW_TOKENS = {"local": 4_096}
"""The window of a model that does not say it; memory is kept for all of a local one's."""

_MODELS = "models"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_THROUGH = re.compile(r"[a-z0-9_]+:\S+")
_SECRET = re.compile(r"key|secret|token|password|credential", re.IGNORECASE)
_REGION = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME_HINT = "Use letters, digits, and . _ : / -; begin with a letter or a digit; at most 100 characters."
_OTHERS = "what speaks OpenAI's format is `openai`, many others are reached by `longtail`."
_KEY_HINT = "Write where it is found: `key: env:NAME` or `key: file:PATH`. If it was in git, replace it."

Tokens = Annotated[int, Meta(gt=0)]
Region = Annotated[str, Meta(min_length=1, max_length=64)]
Days = Annotated[int, Meta(ge=0, le=36_500)]


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `policy` of a model: what its provider does with what it is sent; what is left out is unknown."""

    region: Region | None = None
    retention_days: Days | None = None
    training: bool | None = None


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model as it stands in the file."""

    provider: str
    id: str = ""
    base_url: str = ""
    key: str = ""
    path: str = ""
    window_tokens: Tokens | None = None
    max_output_tokens: Tokens = 1_024
    price: PriceEntry | None = None
    policy: PolicyEntry = PolicyEntry()
    backed: bool = False
    options: dict[str, Option] = {}
    cache: KeepPolicy | None = None


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; models and ladders are read one by one."""

    models: dict[str, object]
    ladders: dict[str, object] = {}


def read_catalogue(text: str, path: Path, providers: Collection[str]) -> Catalogue | list[Mistake]:
    """Return the models and ladders of `text`, the content of models.yaml at `path`; or all its mistakes.

    `providers` are the names that `provider:` may have. No mistake shows a key.
    """
    located = parse_yaml(text, path)
    if isinstance(located, Mistake):
        return [located]
    declaration = convert_all(located, Declaration)
    if isinstance(declaration, list):
        return declaration
    models = {name: _model(located, name) for name in declaration.models}
    ladders = {name: read_ladder(located, name, declaration.models) for name in declaration.ladders}
    mistakes = [
        *_every_mistake([*models.values(), *ladders.values()]),
        *(
            one
            for model in models.values()
            if isinstance(model, Model)
            for one in _odd(located, model, providers)
        ),
        *_name_mistakes(located, declaration),
        *_second_file(located, [one for one in models.values() if isinstance(one, Model)]),
        *_two_embedders(located, models, ladders),
        *odd_caches(located, models, ladders, (*EMBEDDERS, *RERANKERS, "extractive")),
    ]
    if mistakes:
        return sorted(mistakes, key=lambda one: one.where.line or 0)
    return Catalogue(
        {name: model for name, model in models.items() if isinstance(model, Model)},
        {name: ladder for name, ladder in ladders.items() if isinstance(ladder, Ladder)},
        read_caches(located, [*models, *ladders]),
    )


def _every_mistake(results: list[object]) -> Iterator[Mistake]:
    for result in results:
        if isinstance(result, list):
            yield from result


def _model(located: Located, name: str) -> Model | list[Mistake]:
    entry = convert_all(located, ModelEntry, _MODELS, name)
    if isinstance(entry, list):
        return entry
    if mistakes := _odd_price(located, name, entry):
        return mistakes
    return Model(
        name=name,
        provider=entry.provider,
        id=entry.id,
        base_url=entry.base_url.rstrip("/"),
        key=entry.key,
        path=entry.path,
        window_tokens=entry.window_tokens or _WINDOW_TOKENS.get(entry.provider, 8_192),
        max_output_tokens=entry.max_output_tokens,
        price=_price(entry),
        policy=_policy(entry),
        backed=entry.backed,
        options=tuple(entry.options.items()),
    )


def _price(entry: ModelEntry) -> Price | None:
    if entry.price is None and entry.provider in HERE:
        return Price(input=0.0, output=0.0)
    return price_of(entry.price) if entry.price else None


def _odd_price(located: Located, name: str, entry: ModelEntry) -> list[Mistake]:
    price = (_MODELS, name, "price")
    return [
        Mistake(located.at(*price, *place), f"{'.'.join(map(str, (*price, *place)))}: {told}", hint)
        for place, told, hint in (odd_in(entry.price) if entry.price else ())
    ]


def _policy(entry: ModelEntry) -> DataPolicy:
    """Return what the entry says; of a model that runs here, what it leaves out is known."""
    known = KEPT_HERE if entry.provider in HERE else DataPolicy()
    said = {name: value for name, value in msgspec.structs.asdict(entry.policy).items() if value is not None}
    return msgspec.structs.replace(known, **said)


def _odd(located: Located, model: Model, providers: Collection[str]) -> Iterator[Mistake]:
    """Yield what is wrong with a model whose values each are of the right kind."""

    def mistake(key: str, message: str, hint: str) -> Mistake:
        where = located.at(_MODELS, model.name, key)
        return Mistake(where, f"{_MODELS}.{model.name}.{key}: {message}", hint)

    if model.provider not in providers:
        known = ", ".join(sorted(providers))
        hint = did_you_mean(model.provider, providers) or f"There are: {known}; {_OTHERS}"
        yield mistake("provider", f"no provider is called `{model.provider}`", hint)
    for key in REQUIRED.get(model.provider, ()):
        if not getattr(model, key):
            message = f"the provider `{model.provider}` needs it"
            yield mistake(key, message, f"Add `{key}:` to the model `{model.name}`.")
    if model.path and model.provider != "local":
        yield mistake("path", f"the provider `{model.provider}` runs no file", "Only `provider: local` does.")
    yield from _odd_through(model, mistake)
    if (region := model.policy.region) is not None and not _REGION.fullmatch(region):
        yield mistake("policy", "the region is no word", "Write it like `eu` or `us-east-1`.")
    if model.max_output_tokens >= model.window_tokens:
        figures = f"{model.max_output_tokens:,} tokens of answer fill the window of {model.window_tokens:,}"
        yield mistake("max_output_tokens", figures, "Leave room in the window for the question.")
    yield from _odd_address(model, mistake)


def _odd_address(model: Model, mistake: Callable[[str, str, str], Mistake]) -> Iterator[Mistake]:
    """Yield what is wrong with where the model is reached, and with what."""
    if model.key and parse_reference(model.key) is None:
        yield mistake("key", "this is not a reference to a key", _KEY_HINT)
    if model.base_url and (problem := _url_problem(model.base_url)):
        yield mistake("base_url", problem, "Write it like `https://api.example.com/v1`.")


def _odd_through(model: Model, mistake: Callable[[str, str, str], Mistake]) -> Iterator[Mistake]:
    """Yield what is wrong with a model of the provider `longtail`, or with what only such a one may have."""
    if model.provider != "longtail":
        if model.options:
            message = f"the provider `{model.provider}` takes none"
            yield mistake("options", message, "Only `provider: longtail` does.")
        return
    if model.id and not _THROUGH.fullmatch(model.id):
        hint = "Write it like `mistral:mistral-small-latest`."
        yield mistake("id", "it names no provider before its first colon", hint)
    for name, value in model.options:
        if isinstance(value, str) and _SECRET.search(name):
            yield mistake("options", f"`{name}` is a secret by its name", _KEY_HINT)


def _second_file(located: Located, models: Sequence[Model]) -> Iterator[Mistake]:
    """Yield a mistake for each local model that is not the file, or has not the window, of the first one."""
    local = [model for model in models if model.provider == "local"]
    for model in local[1:]:
        key = "path" if model.path != local[0].path else "window_tokens"
        if getattr(model, key) != getattr(local[0], key):
            message = (
                f"{_MODELS}.{model.name}.{key}: not that of `{local[0].name}`; a project runs one local model"
            )
            hint = "Make them the same, or serve this one yourself and reach it with the provider `openai`."
            yield Mistake(located.at(_MODELS, model.name, key), message, hint)


def _two_embedders(
    located: Located,
    models: Mapping[str, Model | list[Mistake]],
    ladders: Mapping[str, Ladder | list[Mistake]],
) -> Iterator[Mistake]:
    """Yield a mistake for each ladder of several embedding models: their vectors do not compare."""
    ids = {
        one.name: one.id for one in models.values() if isinstance(one, Model) and one.provider in EMBEDDERS
    }
    for name, ladder in ladders.items():
        found = [ids[one] for one in ladder.names if one in ids] if isinstance(ladder, Ladder) else []
        if len(set(found)) > 1:
            told = ", ".join(f"`{one}`" for one in dict.fromkeys(found))
            message = f"{LADDERS}.{name}: {told} are different embedding models, whose vectors do not compare"
            hint = (
                "Put one model on it, on several servers, with the same `id:`; make a ladder of each other."
            )
            yield Mistake(located.at(LADDERS, name), message, hint)


def _url_problem(url: str) -> str:
    """Return what is wrong with a base URL, empty when nothing is; without the URL: it may hold a key."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0
    except ValueError:
        return "this is no URL"
    if parts.scheme not in ("http", "https"):
        return "a URL begins with http:// or https://"
    if not (parts.hostname and port_fits) or re.search(r"\s", url):
        return "this is no URL: it names no host, or holds a blank"
    if has_password(url) or parts.username is not None:
        return "a user or password does not belong into the URL; use `key`"
    if parts.query or parts.fragment:
        return "a base URL has no `?` and no `#`"
    return ""


def _name_mistakes(located: Located, declaration: Declaration) -> Iterator[Mistake]:
    for section, names in ((_MODELS, declaration.models), (LADDERS, declaration.ladders)):
        for name in names:
            if not _NAME.fullmatch(name):
                yield Mistake(located.at(section, name), f"{section}: `{name}` is no name", _NAME_HINT)
    for name in declaration.ladders:
        if name in declaration.models:
            message = f"{LADDERS}: `{name}` is a model, too"
            yield Mistake(located.at(LADDERS, name), message, "Give the ladder another name.")
