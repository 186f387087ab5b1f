"""Where the server keeps its files, and what is checked about them."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.storage.errors import DiskFull, FolderUnusable
from buttress.storage.folder import (
    MAX_LOG_BYTES,
    MAX_SOCKET_FOLDER_BYTES,
    bound_log,
    folder_errors,
    last_words,
    names_live_server,
    open_folder,
    pid_file_lines,
    server_config,
    socket_folder,
)
from buttress.storage.settings import StorageSettings


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    """Also when it was there already and open."""
    root = open_folder(tmp_path).root
    root.chmod(0o755)
    assert open_folder(tmp_path).root.stat().st_mode & 0o777 == 0o700


def test_the_folder_is_the_same_through_a_link(tmp_path: Path) -> None:
    """Two ways to a project lead to one server."""
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    assert open_folder(tmp_path / "link") == open_folder(tmp_path / "project")


@pytest.mark.parametrize(
    "name",
    [pytest.param("a\nb", id="a line break"), pytest.param("a\tb", id="a tab")],
)
def test_a_path_with_control_characters_is_refused(tmp_path: Path, name: str) -> None:
    """The server's files have one path a line."""
    with pytest.raises(FolderUnusable, match="control character"):
        open_folder(tmp_path / name)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    """The message names the path."""
    (tmp_path / ".buttress").write_text("")
    with pytest.raises(FolderUnusable, match=r"\.buttress/postgres cannot be used"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(28, DiskFull, id="no space"),
        pytest.param(122, DiskFull, id="no quota"),
        pytest.param(13, FolderUnusable, id="no permission"),
        pytest.param(30, FolderUnusable, id="read-only"),
    ],
)
def test_an_os_error_is_told_with_the_folder(number: int, expected: type[Exception]) -> None:
    """What is full and what is forbidden need different remedies."""
    with pytest.raises(expected, match="/some/folder"), folder_errors(Path("/some/folder")):
        raise OSError(number, os.strerror(number))


def test_a_short_path_holds_its_own_socket(tmp_path: Path) -> None:
    """No folder elsewhere is needed."""
    assert socket_folder(Path("/short")) == Path("/short")
    assert not list(tmp_path.iterdir())


def test_a_long_path_gets_a_private_folder_of_its_own(short_temporary: Path) -> None:
    """The same one every time, another for another project."""
    one, two = Path("/" + "x" * 100), Path("/" + "y" * 100)
    folder = socket_folder(one, short_temporary)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert socket_folder(one, short_temporary) == folder != socket_folder(two, short_temporary)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120))
def test_a_socket_folder_is_always_short_enough(name: str) -> None:
    """In bytes, not in characters."""
    root = Path("/") / name
    if len(os.fsencode(root)) <= MAX_SOCKET_FOLDER_BYTES:
        assert socket_folder(root) == root
    else:
        with pytest.raises(FolderUnusable):
            socket_folder(root, Path("/no/such/folder"))


def test_a_socket_folder_that_others_could_enter_is_refused(short_temporary: Path) -> None:
    """Somebody may have made it before us."""
    long = Path("/" + "x" * 100)
    folder = socket_folder(long, short_temporary)
    folder.chmod(0o755)
    with pytest.raises(FolderUnusable, match="only this user"):
        socket_folder(long, short_temporary)
    folder.rmdir()
    (short_temporary / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(short_temporary / "elsewhere")
    with pytest.raises(FolderUnusable, match="only this user"):
        socket_folder(long, short_temporary)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_of_somebody_else_is_refused(short_temporary: Path) -> None:
    """Its owner could put a socket of their own there."""
    long = Path("/" + "x" * 100)
    os.chown(socket_folder(long, short_temporary), 1234, 1234)
    with pytest.raises(FolderUnusable, match="only this user"):
        socket_folder(long, short_temporary)


def test_the_configuration_quotes_what_a_path_may_hold() -> None:
    """A path is one value, whatever is in it."""
    text = server_config(StorageSettings(shared_buffers_mb=7), Path('/a\'b\\c "d", e')).decode()
    assert """unix_socket_directories = '"/a''b\\\\c ""d"", e"'\n""" in text
    assert "shared_buffers = '7MB'\n" in text
    assert "listen_addresses = ''\n" in text


def test_the_log_is_emptied_when_it_is_large_only(tmp_path: Path) -> None:
    """Above ten megabytes."""
    log = tmp_path / "log"
    bound_log(log)
    log.write_bytes(b"x" * MAX_LOG_BYTES)
    bound_log(log)
    assert log.stat().st_size == MAX_LOG_BYTES
    with log.open("ab") as stream:
        stream.write(b"x")
    bound_log(log)
    assert log.stat().st_size == 0


@pytest.mark.parametrize(
    ("log", "since", "expected"),
    [
        pytest.param("", 0, "", id="nothing was said"),
        pytest.param(
            "LOG:  one\nFATAL:  two\nLOG:  three\n", 0, "FATAL:  two", id="what is fatal counts most"
        ),
        pytest.param("FATAL:  old\nsetpriv: no\n", 12, "setpriv: no", id="earlier starts do not count"),
        pytest.param("one\n\n \n", 0, "one", id="blank lines do not count"),
        pytest.param("x" * 50_000 + "\nend\n", 0, "end", id="a long log is read at its end"),
    ],
)
def test_the_last_words_say_what_went_wrong(tmp_path: Path, log: str, since: int, expected: str) -> None:
    """One line for the error's message."""
    (tmp_path / "log").write_text(log)
    assert last_words(tmp_path / "log", since) == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param("", id="an empty file"),
        pytest.param("nonsense\n", id="no number"),
        pytest.param(f"{os.getpid()}\n", id="the pid of another program"),
        pytest.param("999999999\n", id="the pid of nobody"),
        pytest.param("-5\n", id="a negative pid"),
    ],
)
def test_a_pid_file_that_names_no_server_is_stale(tmp_path: Path, content: str | None) -> None:
    """Whatever is in it."""
    if content is not None:
        (tmp_path / "postmaster.pid").write_text(content)
    assert not names_live_server(tmp_path)
    assert pid_file_lines(tmp_path) == (content or "").splitlines()


def test_a_zombie_is_no_server(tmp_path: Path) -> None:
    """Its pid can still be signalled, which deceives PostgreSQL itself."""
    with subprocess.Popen(["true"]) as zombie:  # noqa: S607
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "postmaster.pid").write_text(f"{zombie.pid}\n")
        assert not names_live_server(tmp_path)
