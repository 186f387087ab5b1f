"""Google's Gemini models, and any server that speaks generateContent, reached by its base URL."""

import re
from urllib.parse import quote

from buttress.kernel.catalogue import Model
from buttress.models.dialects.gemini.reading import AnswerReader
from buttress.models.dialects.gemini.request_out import request_body
from buttress.models.providers.http import Format

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
VERSION = "v1beta"
_HAS_VERSION = re.compile(r"/v\d")


def _url(model: Model) -> str:
    """Return where to ask; people write a base URL with a version or without, an id with a folder or not."""
    base = (model.base_url or DEFAULT_BASE_URL).rstrip("/")
    version = "" if _HAS_VERSION.search(base) else f"/{VERSION}"
    named = quote(model.id or model.name, safe="/")
    folder = "" if "/" in named else "models/"
    return f"{base}{version}/{folder}{named}:streamGenerateContent?alt=sse"


def _headers(secret: str) -> dict[str, str]:
    return {"x-goog-api-key": secret} if secret else {}


GEMINI = Format(url=_url, headers=_headers, body=request_body, reader=AnswerReader)
