"""Any server that speaks OpenAI's chat completions, reached by its base URL."""

from buttress.kernel.catalogue import Model
from buttress.models.dialects.chat.reading import AnswerReader
from buttress.models.dialects.chat.request_out import pass_on, request_body
from buttress.models.dialects.chat.watching import Watch
from buttress.models.providers.http import Format, Speech, bearer

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def _url(model: Model) -> str:
    return f"{(model.base_url or DEFAULT_BASE_URL).rstrip('/')}/chat/completions"


OPENAI = Format(
    url=_url,
    headers=bearer,
    body=request_body,
    reader=AnswerReader,
    speech=Speech("chat", pass_on, lambda model, _: Watch(model), b"data: [DONE]\n\n"),
)
