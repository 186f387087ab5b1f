"""Loading: which layer wins, and that every mistake names its place."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.settings.errors import ProjectMissing, SettingsInvalid
from buttress.settings.loading import find_project, load_settings


def project(folder: Path, text: str = "") -> Path:
    """Write a buttress.yaml of `text`."""
    (folder / "buttress.yaml").write_text(text, "utf-8")
    return folder


def mistakes(folder: Path, text: str = "", flags: Sequence[str] = ()) -> str:
    """Return what is said about settings that are wrong."""
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(project(folder, text), environment={}, flags=flags)
    return str(caught.value)


def test_without_anything_every_setting_has_its_default(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, environment={})
    assert loaded.tree.server.port == 8700
    assert loaded.origins == {}


def test_the_later_layer_wins_and_is_named_as_the_origin(tmp_path: Path) -> None:
    folder = project(tmp_path, "server:\n  port: 1\n  workers: 2\n  host: 0.0.0.0\n")
    environment = {"BUTTRESS_SERVER__PORT": "3", "BUTTRESS_SERVER__WORKERS": "4", "OTHER": "x"}
    loaded = load_settings(folder, environment=environment, flags=["server.port=5"])
    server = loaded.tree.server
    assert (server.port, server.workers, server.host) == (5, 4, "0.0.0.0")  # noqa: S104 - a text, not a socket
    assert loaded.origins[("server", "port")] == "flag --set server.port"
    assert loaded.origins[("server", "workers")] == "environment variable BUTTRESS_SERVER__WORKERS"
    assert loaded.origins[("server", "host")] == f"{folder / 'buttress.yaml'}:4"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("server:\n  prot: 1", 2, "Did you mean `port`?", id="a misspelt key"),
        pytest.param("server:\n  port: 99999", 2, "65535", id="out of bounds"),
        pytest.param("server:\n  port: many", 2, "Expected `int`", id="a wrong type"),
        pytest.param("servre:\n  port: 1", 1, "Did you mean `server`?", id="a misspelt section"),
        pytest.param("zzz: 1", 1, "Known sections: storage", id="an unknown section"),
        pytest.param("server: 1", 1, "not a mapping", id="a section that is a number"),
        pytest.param("- a\n- b", 1, "not a mapping", id="a list"),
        pytest.param("server: [1\nx: 2", 2, "Mend the YAML", id="broken YAML"),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, text: str, line: int, words: str) -> None:
    said = mistakes(tmp_path, text)
    assert f"buttress.yaml:{line}: " in said
    assert words in said


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "server:\n  port: x\nzzz: 1\n", flags=["nonsense", "server.workers=0"])
    assert "4 mistakes" in said


def test_a_mistake_outside_the_file_names_the_variable_or_flag(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="BUTTRESS_SERVER__PROT: server: unknown key"):
        load_settings(tmp_path, environment={"BUTTRESS_SERVER__PROT": "1"})
    with pytest.raises(SettingsInvalid, match=r"flag --set server\.port: server\.port"):
        load_settings(tmp_path, environment={}, flags=["server.port=x"])


def test_a_file_that_is_not_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").write_bytes(b"server: \xff\xfe")
    with pytest.raises(SettingsInvalid, match="byte 8 is not UTF-8"):
        load_settings(tmp_path, environment={})


@given(st.text(max_size=200))
def test_any_file_gives_settings_or_mistakes(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "buttress.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(SettingsInvalid):  # which always holds its mistakes; any other error fails the test
        load_settings(folder, environment={})


def test_a_project_is_found_from_below(tmp_path: Path) -> None:
    below = project(tmp_path) / "features" / "support"
    below.mkdir(parents=True)
    assert find_project(below) == tmp_path.resolve()


def test_no_project_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectMissing) as caught:
        find_project(tmp_path)
    assert "buttress init" in caught.value.hint
