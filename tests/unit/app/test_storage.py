"""The database of a project: the one its settings name, or its own."""

from pathlib import Path
from urllib.parse import quote

import pytest

from buttress.app.storage import project_database
from buttress.kernel.clock import Clock
from buttress.settings.errors import SecretMissing
from buttress.settings.loading import load_settings
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import UrlInvalid


async def test_a_url_may_be_a_reference(
    shared_server: tuple[Path, EmbeddedServer], tmp_path: Path, clock: Clock
) -> None:
    folder = quote(str(shared_server[1].socket_folder), safe="")
    (tmp_path / "url").write_text(f"postgresql://postgres@/postgres?host={folder}\n")
    loaded = load_settings(tmp_path, environment={}, flags=["storage.database_url=file:url"])
    async with project_database(loaded, clock) as database, database.connection() as connection:
        row = await (await connection.execute("SELECT 1")).fetchone()
    assert row == (1,)
    assert not (tmp_path / ".buttress").exists()  # no server of its own


def test_a_reference_that_leads_nowhere(tmp_path: Path, clock: Clock) -> None:
    loaded = load_settings(tmp_path, environment={}, flags=["storage.database_url=file:gone"])
    with pytest.raises(SecretMissing, match="file:gone"):
        project_database(loaded, clock)


async def test_what_is_no_url_is_said(tmp_path: Path, clock: Clock) -> None:
    loaded = load_settings(tmp_path, environment={}, flags=["storage.database_url=mysql://x"])
    with pytest.raises(UrlInvalid):
        async with project_database(loaded, clock):
            pass
