"""Pages that are pictures of text, and programs that are taken for Tesseract."""

import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psutil
import pypdfium2
import pytest
from fpdf import FPDF

from buttress.knowledge.settings import OcrSettings

PdfMaker = Callable[..., bytes]
DPI = 200

with_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="no `tesseract`: install tesseract-ocr"
)
with_scripts = pytest.mark.skipif(sys.platform == "win32", reason="scripts of POSIX")

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
TABLE = f"{HEAD}\n5\t1\t1\t1\t1\t1\t100\t100\t300\t30\t95\tHello\n"


def scan_of(data: bytes, *, texts: tuple[int, ...] = (), stamp: str = "") -> bytes:
    """Return a PDF whose pages are pictures of the pages of another; those of `texts` say a word as text.

    On each picture stands a `stamp`, as text.
    """
    pdf = FPDF(unit="pt")
    pdf.set_auto_page_break(auto=False)
    pdf.set_font("helvetica", size=11)
    document = pypdfium2.PdfDocument(data)
    for number in range(1, len(document) + 1):
        page = document[number - 1]
        width, height = page.get_size()
        pdf.add_page(format=(width, height))
        if number in texts:
            pdf.text(60, 60, "Typed.")
            continue
        picture = BytesIO()
        page.render(scale=DPI / 72, grayscale=True).to_pil().save(picture, "PNG")
        pdf.image(picture, 0, 0, width, height)
        if stamp:
            pdf.text(60, height - 20, stamp)
    document.close()
    return bytes(pdf.output())


def program(folder: Path, script: str) -> OcrSettings:
    """Return settings that name a program of ours, written in the language of the shell."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return OcrSettings(engine="tesseract", program=str(path), page_timeout_s=60)


def is_gone(pid: int) -> bool:
    """Say whether a process works no more, though nobody may have taken notice of its end."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def printing(folder: Path, table: str) -> str:
    """Return a script that reads a picture and prints `table`."""
    (folder / "table").write_text(table, encoding="utf-8")
    return f"cat >/dev/null; cat {folder}/table"
