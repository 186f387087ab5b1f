"""`GET /v1/models`: the names that may be asked, for clients of OpenAI's and of Anthropic's formats."""

from contextlib import suppress
from datetime import datetime

import msgspec

from buttress.access.scopes import require_name
from buttress.app.buttress import Buttress
from buttress.app.reranking import own_reranker_name
from buttress.kernel.errors import ButtressError
from buttress.kernel.principal import Principal
from buttress.server.bodies import Send, send_json
from buttress.server.errors import ModelUnknown
from buttress.server.gate import askable
from buttress.spend.prices import in_force

MODELS = "/v1/models/"


async def list_models(buttress: Buttress, send: Send, who: Principal) -> None:
    """Send the names that `who` may ask: features, ladders, models, the engine's two where it is there."""
    now = buttress.clock.now()
    models = [_model(name, now) for name in await _names(buttress, who)]
    ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {}
    await send_json(send, {"object": "list", "data": models, "has_more": False, **ends})


async def show_model(name: str, buttress: Buttress, send: Send, who: Principal) -> None:
    """Send what is said of the model called `name`.

    Raises:
        NotAllowed: the key of `who` is not for everything, and not for that; it may exist or not.
        ModelUnknown: there is none.
    """
    names = await _names(buttress, who)
    require_name(who, name, buttress.releases, names)
    if name not in names:
        raise ModelUnknown(f"there is no model {name[:200]!r}", data={"param": "model"})
    await send_json(send, _model(name, buttress.clock.now()) | _of_ours(name, buttress))


def _of_ours(name: str, buttress: Buttress) -> dict[str, object]:
    """Return our own field of a model of models.yaml: what it costs now, in dollars per million tokens.

    A `price` of null is unknown. Features and ladders have none.
    """
    model = buttress.catalogue.models.get(name)
    if model is None:
        return {}
    price = in_force(model.price, buttress.clock.now())
    return {"buttress": {"price": msgspec.to_builtins(price, str_keys=True)}}


async def _names(buttress: Buttress, who: Principal) -> list[str]:
    catalogue = buttress.catalogue
    names = [*sorted(buttress.releases), *sorted(catalogue.ladders), *sorted(catalogue.models)]
    with suppress(ButtressError):
        embedder = (await buttress.engine.status()).embedder
        names += [own_reranker_name(buttress.settings.knowledge), embedder]
    # A model of models.yaml may have the own re-ranker's name.
    return askable(dict.fromkeys(names), buttress.releases, who)


def _model(name: str, now: datetime) -> dict[str, object]:
    by_openai = {"id": name, "object": "model", "created": int(now.timestamp()), "owned_by": "buttress"}
    return {**by_openai, "type": "model", "display_name": name, "created_at": now.isoformat()}
