"""Where things are: all below `.buttress`, each in a place of its own."""

from pathlib import Path

from buttress.app import layout
from buttress.app.layout import engine_address, index_folder, releases_folder, run_folder, spool_folder
from buttress.storage.folder import KEPT

PROJECT = Path("/srv/a project")


def test_everything_that_is_kept_is_below_one_folder() -> None:
    """One line of .gitignore leaves it all out of git."""
    places = [index_folder, spool_folder, run_folder, releases_folder, engine_address]
    found = [place(PROJECT) for place in places]
    assert all(one.is_relative_to(PROJECT / ".buttress") for one in found)
    assert len(set(found)) == len(places)


def test_the_engine_says_where_it_listens_among_what_runs() -> None:
    assert engine_address(PROJECT).parent == run_folder(PROJECT)


def test_what_is_kept_is_closed_to_other_users(tmp_path: Path) -> None:
    layout.make_kept_folder(tmp_path)
    layout.make_kept_folder(tmp_path)
    assert (tmp_path / KEPT).stat().st_mode & 0o777 == 0o700
