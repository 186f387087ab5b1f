"""Where the output of a child goes."""

from pathlib import Path

import pytest

from buttress.processes.logs import MAX_LOG_BYTES, last_line, open_log, trim_log


def test_a_log_is_added_to_and_put_aside_when_it_is_large(tmp_path: Path) -> None:
    """One old one is kept."""
    path = tmp_path / "logs" / "engine.log"
    for _ in range(2):
        with open_log(tmp_path / "logs", "engine") as log:
            log.write(b"hello\n")
    assert path.read_bytes() == b"hello\nhello\n"
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    open_log(tmp_path / "logs", "engine").close()
    assert path.stat().st_size == 0
    assert path.with_name("engine.log.1").stat().st_size == MAX_LOG_BYTES + 1


@pytest.mark.parametrize(
    ("content", "since", "expected"),
    [
        pytest.param(None, 0, "", id="no file"),
        pytest.param(b"", 0, "", id="nothing"),
        pytest.param(b"one\ntwo\n\n  \n", 0, "two", id="blank lines do not count"),
        pytest.param(b"one\ntwo\n", 8, "", id="an earlier life does not count"),
        pytest.param(b"x" * 10_000, 0, "x" * 500, id="a long line is cut"),
        pytest.param(b"\xff\n", 0, "\ufffd", id="no text"),
    ],
)
def test_the_last_line_that_says_something(
    tmp_path: Path, content: bytes | None, since: int, expected: str
) -> None:
    """For the message of why a child ended."""
    if content is not None:
        (tmp_path / "engine.log").write_bytes(content)
    assert last_line(tmp_path, "engine", since) == expected


def test_a_large_log_is_put_aside_under_a_child_that_writes_on(tmp_path: Path) -> None:
    with open_log(tmp_path, "calls-1") as log:
        log.write(b"x" * MAX_LOG_BYTES)
        log.flush()
        assert not trim_log(tmp_path, "calls-1")
        log.write(b"before\n")
        log.flush()
        assert trim_log(tmp_path, "calls-1")
        log.write(b"after\n")
    assert (tmp_path / "calls-1.log").read_bytes() == b"after\n"
    assert (tmp_path / "calls-1.log.1").read_bytes().endswith(b"before\n")
    assert (tmp_path / "calls-1.log.1").stat().st_size == MAX_LOG_BYTES
    assert (tmp_path / "calls-1.log.1").stat().st_mode & 0o077 == 0
    assert last_line(tmp_path, "calls-1") == "after"


def test_a_log_that_cannot_be_put_aside_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "calls-1.log").write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    (tmp_path / "calls-1.log.1").mkdir()
    assert trim_log(tmp_path, "calls-1")
    assert (tmp_path / "calls-1.log").read_bytes() == b""
    assert not trim_log(tmp_path, "no-such")
