"""The project's embedding model, asked by OpenAI's own client."""

from pathlib import Path

import pytest
from openai import APIStatusError

from buttress.knowledge.embedding import OnnxEmbedder
from tests.unit.server.doors.test_listing import client_of
from tests.unit.server.serving import serving

pytestmark = pytest.mark.slow


async def test_texts_become_vectors(project: Path, embedder: OnnxEmbedder) -> None:
    """The client asks for base64 by itself, and decodes it."""
    async with serving(project) as server, client_of(server) as client:
        name = (await client.models.list()).data[-1].id
        packed = await client.embeddings.create(model=name, input=["roses", "moss"])
        plain = await client.embeddings.create(model=name, input="roses", encoding_format="float")
    ours = embedder.embed(["roses", "moss"])
    assert packed.data[1].embedding == pytest.approx(ours[1].tolist(), abs=1e-5)
    assert plain.data[0].embedding == pytest.approx(ours[0].tolist(), abs=1e-5)
    assert packed.usage.prompt_tokens > plain.usage.prompt_tokens > 0


async def test_another_model_is_not_there(project: Path) -> None:
    async with serving(project) as server, client_of(server) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.embeddings.create(model="text-embedding-3-small", input="roses")
    assert (raised.value.status_code, raised.value.code) == (404, "server.model_unknown")
