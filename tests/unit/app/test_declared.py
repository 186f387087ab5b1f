"""What a project declares, and whether it has changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.app.declared import MAX_FILE_BYTES, Watch, declaration_files, fingerprint, read_declared
from buttress.watch.errors import WebhooksInvalid
from tests.projects import make_project

Change = Callable[[Path], object]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose documents nobody has read."""
    folder = tmp_path / "a project"
    make_project(folder)
    return folder


def append(path: Path) -> None:
    """Add a comment to a YAML file."""
    path.write_text(path.read_text() + "# changed\n")


CHANGES = [
    pytest.param(lambda at: append(at / "features/support/feature.yaml"), id="a feature is edited"),
    pytest.param(lambda at: append(at / "features/support/answer.md"), id="a prompt is edited"),
    pytest.param(lambda at: append(at / "features/support/known-answers.csv"), id="a table is edited"),
    pytest.param(lambda at: append(at / "models.yaml"), id="a model is edited"),
    pytest.param(lambda at: (at / "models.yaml").unlink(), id="models.yaml is removed"),
    pytest.param(lambda at: (at / "alerts.yaml").write_text("webhooks: {}"), id="somebody is to be told"),
    pytest.param(lambda at: (at / "limits.yaml").write_text("limits: {}"), id="something is limited"),
    pytest.param(lambda at: append(at / "knowledge/docs.yaml"), id="a knowledge base is edited"),
    pytest.param(lambda at: (at / "knowledge/acme.yaml").unlink(), id="a knowledge base is removed"),
    pytest.param(lambda at: (at / "knowledge/new.yaml").write_text("{}"), id="a knowledge base is added"),
    pytest.param(
        lambda at: (at / "features/support").rename(at / "features/help"), id="a feature is renamed"
    ),
    pytest.param(
        lambda at: (at / "features/x").symlink_to(at / "features/support"), id="a feature is a link"
    ),
]
OTHERS = [
    pytest.param(lambda at: append(at / "buttress.yaml"), id="settings are read at the start"),
    pytest.param(lambda at: append(at / "documents/welcome.md"), id="documents are read by ingest"),
    pytest.param(lambda at: os.utime(at / "models.yaml", (1, 1)), id="a file is only touched"),
    pytest.param(lambda at: (at / "features/support/__pycache__").mkdir(), id="Python caches something"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_declared_is_watched(project: Path, change: Change) -> None:
    watch = Watch(project)
    before = watch.look()
    assert watch.look() == before
    change(project)
    assert watch.look() == fingerprint(project) != before


@pytest.mark.parametrize("change", OTHERS)
def test_what_is_not_declared_is_not_watched(project: Path, change: Change) -> None:
    watch = Watch(project)
    before = watch.look()
    change(project)
    assert watch.look() == before


def test_a_change_that_the_clock_of_the_file_system_does_not_show_is_seen_by_the_next_look(
    project: Path,
) -> None:
    """Two writes within a tick, the second after the first was read: equal size, equal time, same inode."""
    path = project / "models.yaml"
    watch = Watch(project)
    watch.look()
    append(path)
    first = watch.look()
    path.write_text(path.read_text().replace("changed", "charged"))
    assert watch.look() != first


def test_what_cannot_be_a_file_of_a_feature_is_not_read(project: Path) -> None:
    """A pipe would be waited for, and a large file read at each change."""
    feature = project / "features" / "support"
    os.mkfifo(feature / "pipe")
    with (feature / "large.bin").open("wb") as large:
        large.truncate(MAX_FILE_BYTES + 1)
    assert fingerprint(project) == fingerprint(project)


def test_a_project_is_read_whole(project: Path) -> None:
    declared = read_declared(project, "abc")
    assert (declared.fingerprint, list(declared.knowledge), list(declared.releases)) == (
        "abc",
        ["acme", "docs"],
        ["support"],
    )


def test_who_is_told_of_alerts_is_declared(project: Path) -> None:
    (project / "alerts.yaml").write_text("webhooks: {ops: {url: 'http://a.example', secret: env:OPS}}\n")
    (route,) = read_declared(project, "abc").webhooks
    assert (route.name, route.url, route.secrets) == ("ops", "http://a.example", ("env:OPS",))
    (project / "alerts.yaml").rename(project / "alert.yaml")
    with pytest.raises(WebhooksInvalid, match=r"alert\.yaml: this file is not read"):
        read_declared(project, "abc")


def test_an_empty_folder_declares_nothing(tmp_path: Path) -> None:
    assert not [path for path in declaration_files(tmp_path) if path.exists()]
    assert read_declared(tmp_path, "").releases == {}
