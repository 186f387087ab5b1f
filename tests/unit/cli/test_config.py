"""`buttress config show`: every setting, its value and where it came from; never a secret."""

import json
from pathlib import Path

from buttress.settings.tree import setting_keys
from tests.unit.cli.conftest import Run


def test_every_setting_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    ran = run("--project", tmp_path, "config", "show", "--json")
    settings = json.loads(ran.out)
    assert [one["name"] for one in settings] == [".".join(map(str, keys)) for keys, _ in setting_keys()]
    assert all(one["help"] for one in settings)
    assert {one["origin"] for one in settings} == {"default"}


def test_only_what_was_changed(run: Run, project: Path) -> None:
    (project / "buttress.yaml").write_text("server:\n  port: 9000\n")
    ran = run("--project", project, "--set", "server.workers=2", "config", "show", "--changed", "--json")
    found = {one["name"]: (one["value"], one["origin"]) for one in json.loads(ran.out)}
    assert set(found) == {"server.port", "server.workers"}
    assert found["server.port"] == (9000, f"{project / 'buttress.yaml'}:2")
    assert found["server.workers"] == (2, "flag --set server.workers")


def test_the_list_is_for_people(run: Run, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    ran = run("--project", tmp_path, "config", "show")
    assert ran.out.startswith(f"project: {tmp_path}\nstorage.database_url = (empty)  (default)\n    Postgre")
    assert "\nserver.port = 8700  (default)\n    Port to listen on" in ran.out


def test_a_value_is_whole_however_long(run: Run, tmp_path: Path) -> None:
    """No terminal's width folds or cuts it: a line is there for whoever searches it."""
    (tmp_path / "features").mkdir()
    folder = "/" + "/".join(f"a folder {number}" for number in range(40))
    ran = run("--project", tmp_path, "--set", f"knowledge.embedder.folder={folder}", "config", "show")
    assert f"\nknowledge.embedder.folder = {folder}  (flag --set knowledge.embedder.folder)\n" in ran.out


def test_a_value_is_no_markup(run: Run, ingested: Path) -> None:
    """Nor is it one of the names that become pictures."""
    for value in ("[/x]", "[red]", ":smile:"):
        flag = f"knowledge.embedder.folder='{value}'"
        ran = run("--project", ingested, "--set", flag, "config", "show", "--changed")
        assert ran.code == 0
        assert value in ran.out


def test_a_password_is_refused_and_not_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    flag = "storage.database_url=postgresql://me:hunter2@db/x"
    for arguments in (["config", "show"], ["config", "show", "--json"], ["doctor"]):
        ran = run("--project", tmp_path, "--set", flag, *arguments)
        assert ran.code == (1 if arguments == ["doctor"] else 2)
        assert "env:NAME" in ran.out + ran.err
        assert "hunter2" not in ran.out + ran.err
