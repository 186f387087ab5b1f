"""Anthropic's models, and any server that speaks the Messages API, reached by its base URL."""

from buttress.kernel.catalogue import Model
from buttress.models.dialects.messages.reading import AnswerReader
from buttress.models.dialects.messages.request_out import pass_on, request_body
from buttress.models.dialects.messages.watching import Watch
from buttress.models.providers.http import Format, Speech

DEFAULT_BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
CLIENT_HEADERS = ("anthropic-version", "anthropic-beta")
"""What a client of the same dialect says in headers about how it wants to be understood."""


def _url(model: Model) -> str:
    """Return where to ask; the base URL may end in `/v1` or not, people write both."""
    return f"{(model.base_url or DEFAULT_BASE_URL).rstrip('/').removesuffix('/v1')}/v1/messages"


def _headers(secret: str) -> dict[str, str]:
    return {"anthropic-version": VERSION} | ({"x-api-key": secret} if secret else {})


ANTHROPIC = Format(
    url=_url,
    headers=_headers,
    body=request_body,
    reader=AnswerReader,
    speech=Speech("messages", pass_on, lambda model, _: Watch(model), headers=CLIENT_HEADERS),
)
