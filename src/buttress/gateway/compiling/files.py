"""Reading the files of a feature: inside its folder, whole, UTF-8, of a bearable size; or why not."""

import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgspec

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import did_you_mean
from buttress.releases.types import file_sha256

MAX_FILE_BYTES = 2_000_000

_INSIDE = "Name a file inside the feature's folder, with `/` between folders: `prompts/answer.md`."


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a feature, read. `name` is its path within the folder; its lines end as on Unix."""

    name: str
    path: Path
    text: str
    sha256: str


class Unreadable(msgspec.Struct, frozen=True):
    """Why a file cannot be used, and what to do about it."""

    message: str
    hint: str

    def at(self, where: Location) -> Mistake:
        """Return this as the mistake of whoever names the file."""
        return Mistake(where, self.message, self.hint)


def plain_name(name: str) -> str:
    """Return `name` without what does not change the file it names: `./a.md` is `a.md`."""
    return PurePosixPath(name).as_posix()


def read_file(folder: Path, name: str) -> TextFile | Unreadable:
    """Return the file `name` of `folder`, or why it cannot be used. Links that lead out are not followed."""
    if _leads_out(name):
        return Unreadable(f"`{name}` leads out of the feature's folder", _INSIDE)
    path = folder / name
    try:
        resolved, root = path.resolve(strict=True), folder.resolve(strict=True)
        if not resolved.is_relative_to(root):
            return Unreadable(f"`{name}` is a link that leads out of the feature's folder", _INSIDE)
        if not stat.S_ISREG(resolved.stat().st_mode):
            return Unreadable(f"`{name}` is not a file", _INSIDE)
        with resolved.open("rb") as file:
            return _text(plain_name(name), path, file.read(MAX_FILE_BYTES + 1))
    except FileNotFoundError:
        return Unreadable(f"there is no file `{name}`", _near(path) or "Create it, or mend the name.")
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a loop of links, a NUL in the name
        reason = getattr(error, "strerror", None) or "a loop of links, or no name for a file"
        return Unreadable(f"`{name}` cannot be read: {reason}", "Mend the file or its name.")


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)
    absolute = PurePosixPath(name).is_absolute() or bool(windows.drive or windows.root)
    return not name.strip() or absolute or "\\" in name or ".." in windows.parts


def _text(name: str, path: Path, data: bytes) -> TextFile | Unreadable:
    if len(data) > MAX_FILE_BYTES:
        return Unreadable(
            f"`{name}` is larger than {MAX_FILE_BYTES:,} bytes", "Split it, or make it smaller."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"`{name}` is not UTF-8: byte {error.start:,}, on line {line}"
        return Unreadable(message, "Save the file as UTF-8.")
    if "\0" in text:
        return Unreadable(f"`{name}` holds a NUL character: it is not a text", "Name a text file.")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return TextFile(name=name, path=path, text=plain, sha256=file_sha256(data))


def _near(path: Path) -> str:
    """Return the name of a file beside `path` that is nearly its name, as a hint."""
    try:
        return did_you_mean(path.name, sorted(one.name for one in path.parent.iterdir()))
    except (OSError, ValueError):
        return ""
