"""A project that is edited while it is served: by several processes, and with mistakes."""

from pathlib import Path

import pytest

from buttress.app.declared import Declared, fingerprint
from buttress.app.kept import read_kept
from buttress.app.layout import releases_folder
from buttress.app.live import Live
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.knowledge.errors import DeclarationInvalid
from tests.unit.server.serving import write_project

BROKEN = "stages: 7\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the features `chat` and `support`."""
    return write_project(tmp_path / "project")


@pytest.fixture
def feature(project: Path) -> Path:
    """The declaration of `chat`."""
    return project / "features" / "chat" / "feature.yaml"


async def started(project: Path) -> Live:
    """Return one process's view of the project."""
    live = Live(project)
    await live.start()
    return live


def says(declared: Declared | None) -> str:
    """Return what the feature `chat` says when it has no answer."""
    assert declared is not None
    return getattr(declared.releases["chat"].fallback, "text", "")


def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text()


def write(path: Path, text: str) -> None:
    """Replace a file's text."""
    path.write_text(text)


def edit(feature: Path, says: str) -> None:
    """Change what the feature says when it has no answer."""
    head, _, _ = feature.read_text().partition("fallback:")
    feature.write_text(f"{head}fallback: {{kind: text, text: {says}}}\n")


async def test_nothing_changes_where_nothing_is_changed(project: Path) -> None:
    live = await started(project)
    assert [await live.follow() for _ in range(3)] == [None] * 3
    assert live.problem == ""


async def test_an_edit_is_followed(project: Path, feature: Path) -> None:
    live = await started(project)
    edit(feature, "Nobody knows.")
    assert says(await live.follow()) == says(live.current) == "Nobody knows."
    assert await live.follow() is None


async def test_a_mistake_changes_nothing_and_is_said_until_it_is_mended(project: Path, feature: Path) -> None:
    live = await started(project)
    before = live.current
    good = read(feature)
    write(feature, BROKEN)
    for _ in range(3):
        assert await live.follow() is None
        assert (live.current, "feature.yaml:1" in live.problem) == (before, True)
    write(feature, good)
    assert await live.follow() is None  # it is what answers already
    assert live.problem == ""
    edit(feature, "Nobody knows.")
    assert says(await live.follow()) == "Nobody knows."


async def test_a_process_that_starts_while_the_files_are_broken_answers_as_the_others_do(
    project: Path, feature: Path
) -> None:
    running = await started(project)
    edit(feature, "Nobody knows.")
    await running.follow()
    write(feature, BROKEN)
    await running.follow()
    again = await started(project)
    assert again.current == running.current
    assert "feature.yaml:1" in again.problem


async def test_a_process_that_came_too_late_for_an_edit_gets_it_from_the_others(
    project: Path, feature: Path
) -> None:
    """One saw the files between two edits, of which the second broke them; the other did not."""
    quick, slow = await started(project), await started(project)
    edit(feature, "Nobody knows.")
    await quick.follow()
    write(feature, BROKEN)
    await quick.follow()
    assert says(await slow.follow()) == "Nobody knows."
    assert slow.current == quick.current
    assert slow.problem == quick.problem != ""


async def test_a_process_that_saw_the_mistake_first_takes_what_another_keeps_later(
    project: Path, feature: Path
) -> None:
    first, second = await started(project), await started(project)
    good = read(feature)
    write(feature, BROKEN)
    await first.follow()
    write(feature, good)
    edit(feature, "Nobody knows.")
    await second.follow()
    write(feature, BROKEN)
    await second.follow()
    assert says(await first.follow()) == "Nobody knows."


async def test_a_knowledge_base_comes_and_goes(project: Path) -> None:
    live = await started(project)
    (project / "knowledge" / "new.yaml").write_text("sources: [{folder: documents, readers: ['*']}]\n")
    changed = await live.follow()
    assert changed is not None
    assert sorted(changed.knowledge) == ["handbook", "new"]
    (project / "knowledge" / "handbook.yaml").unlink()  # of which `support` has its passages
    assert await live.follow() is None
    assert "handbook" in live.problem
    assert sorted(live.current.knowledge) == ["handbook", "new"]


async def test_files_that_were_compiled_are_not_compiled_again(project: Path) -> None:
    """A worker that starts again takes what is kept, and so do all that start together."""
    first = await started(project)
    kept = read_kept(project)
    assert kept == first.current
    assert kept is not None
    assert kept.fingerprint == fingerprint(project)
    assert (await started(project)).current == kept


async def test_without_anything_kept_a_mistake_is_an_error(project: Path, feature: Path) -> None:
    write(feature, BROKEN)
    with pytest.raises(FeatureInvalid):
        await Live(project).start()
    (project / "knowledge" / "handbook.yaml").write_text("sources: 7\n")
    with pytest.raises(DeclarationInvalid):
        await Live(project).start()


async def test_a_project_is_followed_where_nothing_can_be_kept(project: Path, feature: Path) -> None:
    releases_folder(project).parent.mkdir()
    releases_folder(project).write_text("a file in the way")
    live = await started(project)
    edit(feature, "Nobody knows.")
    assert says(await live.follow()) == "Nobody knows."
    write(feature, BROKEN)
    assert await live.follow() is None
    assert says(live.current) == "Nobody knows."


def test_what_was_not_started_has_nothing(project: Path) -> None:
    with pytest.raises(RuntimeError):
        _ = Live(project).current
