"""Models that embed texts: behind HTTP, on any server that speaks OpenAI's embeddings."""

from urllib.parse import urlsplit

from buttress.kernel.catalogue import Model
from buttress.models.dialects.embeddings import pass_on, read_answer, read_asked
from buttress.models.dialects.types import Body
from buttress.models.dialects.whole import WholeWatch
from buttress.models.providers.http import Format, Speech, bearer, no_chat


def _url(model: Model) -> str:
    """Return where to ask: a base URL that is a host and nothing else is taken to want a version."""
    base = model.base_url.rstrip("/").removesuffix("/embeddings")
    return f"{base}/embeddings" if urlsplit(base).path else f"{base}/v1/embeddings"


def _watch(model: Model, body: Body) -> WholeWatch:
    asked = read_asked(body)
    return WholeWatch(model, lambda answer: read_answer(model, answer, asked))


EMBEDDINGS = Format(
    url=_url,
    headers=bearer,
    body=no_chat("embeds texts"),
    reader=no_chat("embeds texts"),
    speech=Speech("embeddings", pass_on, _watch),
)
