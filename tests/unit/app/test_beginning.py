"""What an application begins with where nobody serves the project, and where somebody does."""

from contextlib import closing
from pathlib import Path

from buttress.app.beginning import engine_for, model_for
from buttress.app.local_model import ServedModel
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.engine.local import LocalEngine
from buttress.settings.loading import load_settings


async def test_where_nobody_serves_it_brings_its_own(project: Path) -> None:
    loaded = load_settings(project)
    with closing(SharedEmbedder(loaded.tree.knowledge.embedder)) as embedder:
        async with engine_for(loaded, None, embedder) as engine, model_for(loaded, served=False) as model:
            assert isinstance(engine, LocalEngine)
            assert not isinstance(model, ServedModel)


async def test_where_it_is_served_somebody_else_runs_the_model(project: Path) -> None:
    async with model_for(load_settings(project), served=True) as model:
        assert isinstance(model, ServedModel)
