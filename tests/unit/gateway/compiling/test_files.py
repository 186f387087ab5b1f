"""Files of a feature: inside its folder, whole, UTF-8; or why not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.compiling.files import MAX_FILE_BYTES, TextFile, Unreadable, plain_name, read_file
from buttress.kernel.errors import Location


def test_a_file_is_read_with_plain_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.md").write_bytes("\ufeffGröße\r\nx\ry".encode())
    file = read_file(tmp_path, "./a//b.md")
    assert isinstance(file, TextFile)
    assert (file.name, file.text) == ("a/b.md", "Größe\nx\ny")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        pytest.param("../x.md", "leads out", id="up"),
        pytest.param("a/../../x.md", "leads out", id="up, in the middle"),
        pytest.param("/x.md", "leads out", id="absolute"),
        pytest.param("//host/x.md", "leads out", id="another machine"),
        pytest.param("C:x.md", "leads out", id="a drive"),
        pytest.param("a\\..\\x.md", "leads out", id="backward slashes"),
        pytest.param("  ", "leads out", id="blank"),
        pytest.param(".", "not a file", id="the folder itself"),
        pytest.param("x" * 5_000, "cannot be read", id="a name too long"),
        pytest.param("a\0b", "cannot be read", id="a NUL"),
        pytest.param("here.md/x.md", "cannot be read", id="below a file"),
        pytest.param("hre.md", "Did you mean `here.md`?", id="nearly a file"),
        pytest.param("nowhere/x.md", "Create it", id="in no folder"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, part: str) -> None:
    (tmp_path / "feature").mkdir()
    (tmp_path / "feature" / "here.md").touch()
    (tmp_path / "x.md").touch()
    refused = read_file(tmp_path / "feature", name)
    assert isinstance(refused, Unreadable)
    assert part in str(refused.at(Location(tmp_path)))


@pytest.mark.parametrize(
    ("data", "part"),
    [
        pytest.param(b"x" * (MAX_FILE_BYTES + 1), "larger than 2,000,000 bytes", id="too large"),
        pytest.param(b"a\nb\n\xff", "byte 4, on line 3", id="not UTF-8"),
        pytest.param(b"a\0b", "NUL", id="binary"),
    ],
)
def test_what_is_no_text_says_why(tmp_path: Path, data: bytes, part: str) -> None:
    (tmp_path / "x").write_bytes(data)
    refused = read_file(tmp_path, "x")
    assert isinstance(refused, Unreadable)
    assert part in refused.message


def test_a_folder_that_is_a_link_is_followed_but_not_out_of_it(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "x.md").write_text("x")
    (tmp_path / "secret.md").write_text("secret")
    (real / "out.md").symlink_to("../secret.md")
    (tmp_path / "link").symlink_to("real")
    assert isinstance(read_file(tmp_path / "link", "x.md"), TextFile)
    assert isinstance(read_file(tmp_path / "link", "out.md"), Unreadable)


@given(st.text(alphabet="./a\\:\0~ é\ud800", max_size=12))
def test_no_name_leads_out_or_raises(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert isinstance(read_file(folder, name), Unreadable)
    assert plain_name(plain_name(name)) == plain_name(name)
