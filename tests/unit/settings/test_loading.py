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
        pytest.param("server:\n  port: many", 2, "expected a whole number", id="a wrong type"),
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("BUTTRESS_SERVER_PORT", "Did you mean `BUTTRESS_SERVER__PORT`?", id="one mark too few"),
        pytest.param(
            "BUTTRESS_STORAGE_DATABASE_URL", "`BUTTRESS_STORAGE__DATABASE_URL`", id="a key of two words"
        ),
        pytest.param(
            "BUTTRESS_KNOWLEDGE_ENGINE_CALL_TIMEOUT_S",
            "`BUTTRESS_KNOWLEDGE__ENGINE__CALL_TIMEOUT_S`",
            id="a key further down",
        ),
        pytest.param("BUTTRESS_SERVER_PROT", "`BUTTRESS_SERVER__PORT`", id="misspelt as well"),
        pytest.param("BUTTRESS_DATA", "hold `__`", id="nothing like any setting"),
        pytest.param("BUTTRESS_SERVRE__PORT", "unknown key `servre`", id="a misspelt section"),
        pytest.param("BUTTRESS_PORT", "no setting is called so", id="a section left out"),
    ],
)
def test_a_variable_that_is_no_setting_is_a_mistake(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(tmp_path, environment={name: "8000"})
    assert f"environment variable {name}: " in str(caught.value)
    assert said in str(caught.value)


def test_what_kubernetes_says_of_a_service_of_our_name_is_none(tmp_path: Path) -> None:
    environment = {
        "BUTTRESS_SERVICE_HOST": "10.0.0.1",
        "BUTTRESS_SERVICE_PORT": "8700",
        "BUTTRESS_WEB_SERVICE_PORT_HTTP": "8700",
        "BUTTRESS_PORT": "tcp://10.0.0.1:8700",
        "BUTTRESS_PORT_8700_TCP": "tcp://10.0.0.1:8700",
        "BUTTRESS_PORT_8700_TCP_PORT": "8700",
    }
    assert load_settings(tmp_path, environment=environment).origins == {}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://me:hunter2@db/x", id="in its place"),
        pytest.param("postgresql://me@db/x?password=hunter2", id="as a parameter"),
        pytest.param("host=db password=hunter2", id="as a libpq text"),
    ],
)
def test_a_password_is_refused_wherever_it_stands(tmp_path: Path, url: str) -> None:
    """And it is not repeated."""
    name = "BUTTRESS_STORAGE__DATABASE_URL"
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(tmp_path, environment={name: url})
    said = [
        str(caught.value),
        mistakes(tmp_path, flags=[f"storage.database_url={url}"]),
        mistakes(tmp_path, f"storage:\n  database_url: {url}\n"),
    ]
    for one, place in zip(said, (name, "flag --set", "buttress.yaml:2"), strict=True):
        assert f"{place}" in one.splitlines()[1]
        assert "storage.database_url: a password does not belong here" in one
        assert "env:NAME" in one
        assert "hunter2" not in one


@pytest.mark.parametrize("url", ["", "env:DATABASE_URL", "file:url.txt", "postgresql://me@db:5432/x"])
def test_an_address_without_a_password_or_a_reference_is_taken(tmp_path: Path, url: str) -> None:
    loaded = load_settings(tmp_path, environment={}, flags=[f"storage.database_url={url}"])
    assert loaded.tree.storage.database_url == url


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
    for mark in ("knowledge", "models.yaml"):
        (tmp_path / mark).mkdir()
    with pytest.raises(ProjectMissing, match=r"buttress\.yaml nor a folder features/"):
        find_project(tmp_path)
    (tmp_path / "features").mkdir()
    assert find_project(tmp_path) == tmp_path.resolve()
