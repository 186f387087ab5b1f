"""`access.secret_file`: made once, for one user."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from buttress.access.errors import KeySecretUnusable
from buttress.access.secret_file import checked_secret, made_secret, read_secret


def test_there_is_none_until_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "key_secret"
    assert read_secret(path) is None
    made = made_secret(path)
    assert (len(made), made_secret(path), read_secret(path)) == (64, made, made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key_secret"]


def test_all_who_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = set(threads.map(made_secret, [tmp_path / "key_secret"] * 64))
    assert len(made) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"short", id="short"),
        pytest.param(b"\xff" * 64, id="no text"),
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key_secret"
    path.write_bytes(content)
    for take in (read_secret, made_secret):
        with pytest.raises(KeySecretUnusable, match="key_secret"):
            take(path)
    assert path.read_bytes() == content


def test_where_it_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(KeySecretUnusable, match="no folder"):
        made_secret(tmp_path / "no folder" / "key_secret")


def test_a_secret_of_the_settings_has_a_length() -> None:
    assert checked_secret("x" * 32, "env:SECRET") == b"x" * 32
    with pytest.raises(KeySecretUnusable, match="env:SECRET") as raised:
        checked_secret("hunter2", "env:SECRET")
    assert "hunter2" not in raised.value.message
