"""`GET /v1/models`: the names that may be asked, for clients of OpenAI's and of Anthropic's formats."""

from contextlib import suppress
from datetime import datetime

from buttress.app.buttress import Buttress
from buttress.app.reranking import own_reranker_name
from buttress.kernel.errors import ButtressError
from buttress.server.bodies import Send, send_json
from buttress.server.errors import ModelUnknown

MODELS = "/v1/models/"


async def list_models(buttress: Buttress, send: Send) -> None:
    """Send the names that may be asked: features, ladders, models, the engine's two where it is there."""
    now = buttress.clock.now()
    models = [_model(name, now) for name in await _names(buttress)]
    ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {}
    await send_json(send, {"object": "list", "data": models, "has_more": False, **ends})


async def show_model(name: str, buttress: Buttress, send: Send) -> None:
    """Send what is said of the model called `name`.

    Raises:
        ModelUnknown: there is none.
    """
    if name not in await _names(buttress):
        raise ModelUnknown(f"there is no model {name[:200]!r}", data={"param": "model"})
    await send_json(send, _model(name, buttress.clock.now()))


async def _names(buttress: Buttress) -> list[str]:
    catalogue = buttress.catalogue
    names = [*sorted(buttress.releases), *sorted(catalogue.ladders), *sorted(catalogue.models)]
    with suppress(ButtressError):
        embedder = (await buttress.engine.status()).embedder
        names += [own_reranker_name(buttress.settings.knowledge), embedder]
    return list(dict.fromkeys(names))  # a model of models.yaml may have the own re-ranker's name


def _model(name: str, now: datetime) -> dict[str, object]:
    by_openai = {"id": name, "object": "model", "created": int(now.timestamp()), "owned_by": "buttress"}
    return {**by_openai, "type": "model", "display_name": name, "created_at": now.isoformat()}
