"""Every setting is described; no password is shown."""

from pathlib import Path

from buttress.settings.listing import default_settings, list_settings
from buttress.settings.loading import Loaded, load_settings
from buttress.settings.tree import Settings
from buttress.storage.settings import StorageSettings


def test_every_setting_says_what_it_is() -> None:
    for setting in default_settings():
        assert setting.help.endswith("."), f"{setting.name} has no help that is a sentence"


def test_each_value_says_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").write_text("server:\n  port: 9\n")
    listed = {setting.name: setting for setting in list_settings(load_settings(tmp_path, environment={}))}
    assert listed["server.port"].value == 9
    assert listed["server.port"].default == 8700
    assert listed["server.port"].origin.endswith("buttress.yaml:2")
    assert listed["server.workers"].origin == "default"


def test_a_password_is_masked(tmp_path: Path) -> None:
    """No file may hold one any more; what is printed does not rely on it."""
    tree = Settings(storage=StorageSettings(database_url="postgresql://u:hunter2@h/db"))
    listed = list_settings(Loaded(tmp_path, tree, {}))
    assert "hunter2" not in str(listed)
    assert "postgresql://u:***@h/db" in str(listed)
