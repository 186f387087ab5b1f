"""Tesseract as it is, and programs that are worse than it."""

import time
from functools import partial
from pathlib import Path

import msgspec
import pypdfium2
import pytest

from buttress.knowledge.errors import OcrFailed, OcrMissing
from buttress.knowledge.parsing.pdf_sight import drawn
from buttress.knowledge.parsing.tesseract import Tesseract, require_tesseract
from buttress.knowledge.pictures import Picture
from buttress.knowledge.ports import Recogniser
from buttress.knowledge.settings import OcrSettings
from buttress.testing.contracts.recogniser import RecogniserContract, white
from tests.unit.knowledge.parsing.scans import (
    HEAD,
    TABLE,
    PdfMaker,
    is_gone,
    printing,
    program,
    with_scripts,
    with_tesseract,
)
from tests.waiting import wait_until

REAL = OcrSettings(engine="tesseract", page_timeout_s=300)
SHEET = white(500, 200)


@with_tesseract
@pytest.mark.slow
class TestContract(RecogniserContract):
    """The real program keeps the contract."""

    @pytest.fixture
    def recognise(self) -> Recogniser:
        """Return the adapter."""
        return Tesseract(REAL)

    @pytest.fixture
    def picture(self, make_pdf: PdfMaker) -> Picture:
        """Return a page of two lines."""
        document = pypdfium2.PdfDocument(make_pdf([["Every gardener knows", "the colour of clay"]]))
        return drawn(document[0], 300)

    @pytest.fixture
    def expected(self) -> list[list[str]]:
        """Return its words."""
        return [["Every", "gardener", "knows"], ["the", "colour", "of", "clay"]]


@with_tesseract
def test_what_is_needed_is_told() -> None:
    assert require_tesseract(REAL).endswith("tesseract, eng")
    with pytest.raises(OcrMissing, match=r"`tesseract` has no data for tlh; it has .*eng"):
        require_tesseract(msgspec.structs.replace(REAL, languages=("eng", "tlh")))


def test_a_program_that_is_not_there() -> None:
    nowhere = msgspec.structs.replace(REAL, program="tesseract-of-nobody")
    with pytest.raises(OcrMissing, match="the program `tesseract-of-nobody` is not installed"):
        Tesseract(nowhere)(SHEET)
    with pytest.raises(OcrMissing):
        require_tesseract(nowhere)


@with_scripts
def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    settings = program(tmp_path, "")
    Path(settings.program).write_text("#!/no/such/interpreter\n")
    with pytest.raises(OcrMissing, match="cannot be started"):
        Tesseract(settings)(SHEET)


def boxed(left: object, top: object, width: object, height: object) -> str:
    """Return a table of one word in such a box."""
    return f"{HEAD}\n5\t1\t1\t1\t1\t1\t{left}\t{top}\t{width}\t{height}\t95\ta\n"


@with_scripts
@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param(TABLE, ["Hello"], id="a word"),
        pytest.param(HEAD, [], id="a head alone"),
        pytest.param(TABLE.replace("\t95\t", "\t29.9\t"), [], id="a word it is not sure of"),
        pytest.param(TABLE.replace("\t95\t", "\tnan\t"), [], id="a confidence that is no number"),
        pytest.param(TABLE.replace("Hello", " \u200b"), [], id="nothing but blanks"),
        pytest.param(TABLE.replace("Hello", "He\u2028llo"), ["He", "llo"], id="a line's end in a word"),
        pytest.param(TABLE.replace("5\t1", "4\t1", 1), [], id="a line, which is no word"),
        pytest.param("", None, id="nothing"),
        pytest.param("Segmentation fault", None, id="something else"),
        pytest.param(f"{HEAD}\n5\t1\t1", None, id="a row cut short"),
        pytest.param(boxed(1, 1, 1, "x"), None, id="letters for a number"),
        pytest.param(boxed(499, 1, 2, 1), None, id="beyond the right edge"),
        pytest.param(boxed(1, -1, 2, 1), None, id="above the top"),
        pytest.param(boxed(1, 1, 0, 1), None, id="a box of no width"),
    ],
)
def test_what_comes_back_is_understood_or_refused(
    tmp_path: Path, table: str, words: list[str] | None
) -> None:
    recognise = Tesseract(program(tmp_path, printing(tmp_path, table)))
    if words is None:
        with pytest.raises(OcrFailed, match="not a table of words"):
            recognise(SHEET)
    else:
        assert " ".join(word.text for word in recognise(SHEET)).split() == words


@with_tesseract
@pytest.mark.slow
def test_a_page_that_stands_on_its_head_is_turned(make_pdf: PdfMaker) -> None:
    document = pypdfium2.PdfDocument(make_pdf([["Every gardener knows", "the colour of clay"]]))
    upright = drawn(document[0], 150)
    turned = msgspec.structs.replace(upright, grey=upright.grey[::-1])
    assert Tesseract(REAL)(turned) == Tesseract(REAL)(upright)


DOUBTFUL = TABLE.replace("\t95\t", "\t69\t")


@with_scripts
@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        pytest.param(TABLE, "", "Hello", id="it is sure"),
        pytest.param(DOUBTFUL, TABLE.replace("Hello", "Upright"), "Upright", id="it is surer of the other"),
        pytest.param(DOUBTFUL, DOUBTFUL.replace("Hello", "Upright"), "Hello", id="it is no surer"),
        pytest.param(DOUBTFUL, HEAD, "Hello", id="there is nothing to read on the other"),
        pytest.param(DOUBTFUL, "", "Hello", id="it fails on the other"),
    ],
)
def test_what_it_is_not_sure_of_is_read_once_more_upside_down(
    tmp_path: Path, first: str, second: str, word: str
) -> None:
    """It sees a black point in a corner, and prints one or the other."""
    (tmp_path / "second").write_text(second)
    is_turned = "[ $(tail -c 1 | od -An -tu1) = 0 ]"
    script = f"if {is_turned}; then cat {tmp_path}/second; else {printing(tmp_path, first)}; fi"
    sheet = msgspec.structs.replace(SHEET, grey=b"\0" + SHEET.grey[1:])
    assert [one.text for one in Tesseract(program(tmp_path, script))(sheet)] == [word]


@with_scripts
@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo oh no >&2; exit 1", "ended with code 1: oh no", id="fails before it reads"),
        pytest.param("cat >/dev/null; exit 3", "ended with code 3$", id="fails without a word"),
        pytest.param("kill -9 $$", "was ended by SIGKILL", id="is killed"),
        pytest.param("printf '\\377'", "not a table", id="prints no text"),
        pytest.param("exec yes", "was ended by SIGXFSZ", id="does not stop printing"),
        pytest.param("exec yes >&2", "was ended by SIGXFSZ: y", id="does not stop complaining"),
    ],
)
def test_a_program_that_fails(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(OcrFailed, match=says):
        Tesseract(program(tmp_path, script))(SHEET)


@with_scripts
def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    """It neither reads its picture nor ends by itself; what it says is not waited for."""
    settings = msgspec.structs.replace(program(tmp_path, "exec sleep 600"), page_timeout_s=0.5)
    began = time.perf_counter()
    with pytest.raises(OcrFailed, match=r"took longer than 0\.5 s"):
        Tesseract(settings)(white(3000, 3000))
    assert time.perf_counter() - began < 60


@with_scripts
def test_a_program_that_is_late_ends_with_what_it_started(tmp_path: Path) -> None:
    """As where the program of the settings is a script that starts the real one."""
    inner = tmp_path / "inner"
    settings = program(tmp_path, f"sleep 600 & echo $! >{inner}; wait")
    with pytest.raises(OcrFailed, match="took longer"):
        Tesseract(msgspec.structs.replace(settings, page_timeout_s=1.0))(SHEET)
    wait_until(partial(is_gone, int(inner.read_text())))


@with_scripts
def test_it_is_told_languages_and_size_and_given_none_of_our_environment(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f'echo "$@" >{said}; env >>{said}; head -c 15 >>{said}; {printing(tmp_path, TABLE)}'
    settings = msgspec.structs.replace(program(tmp_path, script), languages=("eng", "deu"))
    assert [word.text for word in Tesseract(settings)(SHEET)] == ["Hello"]
    first, *rest = said.read_bytes().split(b"\n")
    assert first == b"stdin stdout -l eng+deu --psm 3 --dpi 300 tsv"
    assert b"OMP_THREAD_LIMIT=1" in rest
    assert not any(line.startswith((b"HOME=", b"USER=")) for line in rest)
    assert rest[-1].startswith(b"P5 500 200 255") or rest[-2].startswith(b"P5 500 200 255")


def test_languages_cannot_be_options() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"languages": ["-c", "x=1"]}, OcrSettings)
    assert msgspec.convert({"languages": ["script/Latin", "chi_sim"]}, OcrSettings).languages
