"""Cutting a document into chunks."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.checking import check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.ports import TokenStarts
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import BlockKind, Chunk, ChunkSettings, ParsedDocument, document_id

ID = document_id("base", "docs", "a.md")
SMALL = ChunkSettings(max_tokens=32, min_tokens=4)


def words(text: str) -> list[int]:
    """Return where words and signs begin: a token counter for tests."""
    return [found.start() for found in re.finditer(r"\w+|[^\w\s]", text)]


def parse(text: str) -> ParsedDocument:
    """Parse Markdown."""
    return parse_bytes(text.encode(), "a.md", ParseLimits())


def chunks_of(text: str, settings: ChunkSettings = SMALL) -> list[Chunk]:
    """Parse and cut Markdown; the promises are checked each time."""
    document = parse(text)
    chunks = chunk(document, ID, settings, words)
    check_document(document, chunks)
    if chunks:
        assert "".join(one.before + one.text for one in chunks) == document.text[: chunks[-1].end]
    return chunks


def sentence(n: int, number: int = 1) -> str:
    """Return a sentence of n tokens."""
    return " ".join(f"W{number}x{index}" for index in range(n - 1)) + "."


def test_paragraphs_of_a_section_are_joined_up_to_the_budget() -> None:
    """With the context counted; what does not fit begins the next."""
    text = "# T\n\n" + "\n\n".join(sentence(10, number) for number in range(4))
    assert [len(words(one.text)) for one in chunks_of(text)] == [31, 10]


def test_a_chunk_holds_one_section_and_its_path() -> None:
    """The context is the title and the headings, the title once."""
    text = f"# Guide\n\n{sentence(6)}\n\n## Setup\n\n{sentence(6)}\n\n### Linux\n\n{sentence(6)}\n"
    found = chunks_of(text)
    assert [(one.section, one.context) for one in found] == [
        (("Guide",), "Guide"),
        (("Guide", "Setup"), "Guide > Setup"),
        (("Guide", "Setup", "Linux"), "Guide > Setup > Linux"),
    ]
    assert found[1].text.startswith("Setup\n\nW1x0")


def test_a_heading_is_never_alone() -> None:
    """It joins what follows, be it in another section."""
    found = chunks_of(f"# A\n\n## B\n\n# C\n\n{sentence(20)}\n\n{sentence(20)}")
    assert [one.text.split("\n\n")[0] for one in found] == ["A", "W1x0 " + sentence(20)[5:]]
    assert found[0].section == ("C",)


def test_headings_without_anything_are_still_found() -> None:
    """A document of headings gives a chunk."""
    (one,) = chunks_of("# A\n\n## B")
    assert one.text == "A\n\nB"
    assert one.section == ("A", "B")


def test_headings_at_the_end_are_not_lost() -> None:
    """Nothing follows them to be joined."""
    found = chunks_of(f"# A\n\n{sentence(20)}\n\n## B")
    assert found[-1].text.endswith("B")


def test_tiny_sections_join_the_one_beside() -> None:
    """Under a common heading, whose path is theirs together."""
    found = chunks_of(f"# A\n\n{sentence(8)}\n\n## B\n\nno.\n\n## C\n\nyes.\n\n## D\n\n{sentence(8)}")
    assert [(one.section, one.text) for one in found[1:]] == [
        (("A",), "B\n\nno.\n\nC\n\nyes."),
        (("A", "D"), f"D\n\n{sentence(8)}"),
    ]


def test_sections_of_the_top_level_never_join() -> None:
    """However small they are."""
    assert [one.section for one in chunks_of("# A\n\nno.\n\n# B\n\nyes.")] == [("A",), ("B",)]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    """And a long sentence between words."""
    found = chunks_of("\n\n".join([f"{sentence(20, 1)} {sentence(20, 2)}", sentence(70, 3)]))
    assert [one.text[-1] for one in found[:2]] == [".", "."]
    assert all(len(words(one.embedded)) <= SMALL.max_tokens for one in found)


def test_a_table_that_fits_stays_whole() -> None:
    """Rather alone in a chunk than cut."""
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| r{n} | v{n} |" for n in range(5))
    found = chunks_of(f"# T\n\n{sentence(20)}\n\n{table}")
    assert found[1].text == "a | b\n" + "\n".join(f"r{n} | v{n}" for n in range(5))


def test_a_table_that_does_not_fit_is_cut_by_rows_with_its_head_as_context() -> None:
    """The head is searched with every part, and cited only where it stands."""
    table = "| name | value |\n|---|---|\n" + "\n".join(f"| r{n} | v{n} |" for n in range(30))
    found = chunks_of(f"# T\n\n{table}")
    assert len(found) > 3
    assert found[0].context == "T"
    assert {one.context for one in found[1:]} == {"T\nname | value"}
    assert all(row.count("|") == 1 for one in found[1:] for row in one.text.split("\n"))
    assert all("name" not in one.text for one in found[1:])


def test_of_a_table_head_too_long_the_first_columns_are_kept() -> None:
    """A quarter of the budget goes to it, and none of it stands in two."""
    head = " | ".join(f"column{n}" for n in range(20))
    row = " | ".join(f"v{n}" for n in range(20))
    found = chunks_of(f"# T\n\n| {head} |\n{'|---' * 20}|\n" + f"| {row} |\n" * 9)
    assert found[0].context == "T"
    later = {one.context for one in found if "column" not in one.text}
    assert later == {"T\ncolumn0 | column1 | column2 | column3"}
    assert all(len(words(one.embedded)) <= SMALL.max_tokens for one in found)


def test_each_row_of_a_csv_file_is_found_with_the_names_of_its_columns() -> None:
    """Be the table long, or wide: in the context, or in the row itself."""
    long = "name,fee\n" + "".join(f"lid {n},{n} €\n" for n in range(500))
    wide = ",".join(f"a long name of column {n}" for n in range(9)) + "\n" + "v,w,x,y,z,a,b,c,d\n" * 20
    for text, name in ((long, "name | fee"), (wide, "column 3: y")):
        document = parse_bytes(text.encode(), "a.csv", ParseLimits())
        chunks = chunk(document, ID, ChunkSettings(), words)
        check_document(document, chunks)
        assert len(chunks) > 3
        assert all(name in one.embedded for one in chunks)


def test_code_that_does_not_fit_is_cut_between_lines() -> None:
    """With its indents."""
    code = "\n".join(f"    call_{n}(x)" for n in range(20))
    found = chunks_of(f"```\n{code}\n```")
    assert len(found) > 1
    assert all(line.endswith("(x)") for one in found for line in one.text.split("\n"))


def test_pages_are_those_of_the_first_and_last_letter() -> None:
    """A chunk over a page's end names both pages."""
    builder = DocumentBuilder("a.pdf", ParseLimits())
    builder.add("paragraph", "one two", turns=((0, 1), (4, 3)))
    builder.add("paragraph", "three", turns=((0, 4),))
    document = builder.finish("pdf", "", pages=5)
    (one,) = chunk(document, ID, SMALL, words)
    assert (one.page, one.page_end) == (1, 4)
    check_document(document, [one])


def test_equal_texts_in_one_section_have_ids_of_their_own() -> None:
    """By their number; and each keeps it when something else changes."""
    text = "# A\n\n" + "\n\n".join([sentence(25, 7)] * 3)
    before = chunks_of(text)
    assert len({one.chunk_id for one in before}) == 3
    after = chunks_of(text + "\n\n# B\n\nmore.")
    assert [one.chunk_id for one in after[:3]] == [one.chunk_id for one in before]


def test_a_chunk_that_moved_keeps_id_and_vector() -> None:
    """Only what changed is embedded again."""
    text = "".join(f"# S{n}\n\n{sentence(20, n)}\n\n" for n in range(5))
    before, after = chunks_of(text), chunks_of("# New\n\nfirst of all.\n\n" + text)
    assert {one.chunk_id for one in before} < {one.chunk_id for one in after}
    assert [one.embed_key for one in before[1:]] != []
    moved = {one.chunk_id: one.embed_key for one in after}
    document_title_changed = parse(text).title != parse("# New\n\n" + text).title
    assert document_title_changed or all(moved[one.chunk_id] == one.embed_key for one in before)


def test_documents_do_not_share_ids() -> None:
    """Two files of one content are two documents."""
    document = parse("# A\n\ntext.")
    first = chunk(document, ID, SMALL, words)
    second = chunk(document, document_id("base", "docs", "b.md"), SMALL, words)
    assert first[0].chunk_id != second[0].chunk_id
    assert first[0].embed_key == second[0].embed_key


def test_a_context_too_long_is_shortened_from_the_middle() -> None:
    """The last heading says most; it is cut only when it alone is too long."""
    headings = "\n\n".join("#" * level + f" {sentence(8, level)}" for level in range(1, 5))
    found = chunks_of(f"{headings}\n\n{sentence(6, 9)}")
    assert found[-1].context == sentence(8, 4)
    long = chunks_of(f"# {sentence(30)}\n\n{sentence(6, 9)}")
    assert all(len(words(one.context)) <= 10 for one in long)


def test_a_megabyte_without_a_blank_is_cut() -> None:
    """Each chunk within the budget, one token for 16 letters."""
    began = time.perf_counter()
    found = chunks_of("x" * 1_000_000)
    assert time.perf_counter() - began < 10
    assert max(len(one.text) for one in found) <= 16 * SMALL.max_tokens


kinds = st.sampled_from(["heading", "paragraph", "list_item", "table", "code"])
bodies = st.text(alphabet="ab .\n|üx", min_size=1, max_size=150).filter(lambda text: bool(text.strip()))
parts = st.lists(st.tuples(kinds, bodies, st.integers(1, 4)), min_size=1, max_size=12)


@settings(max_examples=150)
@given(parts, st.integers(32, 60), st.integers(0, 20))
def test_the_promises_hold_for_any_document(
    given_parts: list[tuple[BlockKind, str, int]], max_tokens: int, min_tokens: int
) -> None:
    """Slices, order, pages, ids, budget; and the same again the same."""
    builder = DocumentBuilder("a.pdf", ParseLimits())
    for page, (kind, text, level) in enumerate(given_parts, start=1):
        if kind == "heading":
            builder.heading(level, " ".join(text.split()), page=page)
        else:
            builder.add(kind, text.strip(), turns=((0, page),))
    document = builder.finish("pdf", "Some title", pages=len(given_parts))
    chosen = ChunkSettings(max_tokens=max_tokens, min_tokens=min_tokens)
    chunks = chunk(document, ID, chosen, words)
    check_document(document, chunks)
    assert chunks == chunk(document, ID, chosen, words)
    for one in chunks:
        assert len(words(one.text)) + len(words(one.context)) <= max_tokens
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(chunks), type=list[Chunk]) == chunks


@settings(max_examples=150)
@given(parts, st.integers(32, 60), st.integers(0, 20))
def test_a_table_or_code_that_fits_is_never_cut(
    given_parts: list[tuple[BlockKind, str, int]], max_tokens: int, min_tokens: int
) -> None:
    """That is: with the headings right above it and the most that a context may take."""
    builder = DocumentBuilder("a.md", ParseLimits())
    for kind, text, level in given_parts:
        if kind == "heading":
            builder.heading(level, " ".join(text.split()))
        else:
            builder.add(kind, text.strip())
    document = builder.finish("markdown", "Some title")
    chosen = ChunkSettings(max_tokens=max_tokens, min_tokens=min_tokens)
    chunks = chunk(document, ID, chosen, words)
    begins = 0
    for block in document.blocks:
        if block.kind in {"table", "code"}:
            weight = len(words(document.text[begins : block.end]))
            if weight <= max_tokens - max_tokens // 3:
                assert any(one.start <= block.start and block.end <= one.end for one in chunks)
        if block.kind != "heading":
            begins = block.end


@pytest.mark.slow
@pytest.mark.parametrize("name", ["example-10k.html", "filings/COSTCO_2021_10K.pdf"])
def test_real_documents_fit_the_real_tokenizer(
    shared_data: Path, packaged_tokens: TokenStarts, name: str
) -> None:
    """Counted once over whole blocks, no chunk is longer when it is tokenized by itself."""
    document = parse_bytes((shared_data / "documents" / name).read_bytes(), name, ParseLimits())
    began = time.perf_counter()
    chunks = chunk(document, ID, ChunkSettings(), packaged_tokens)
    assert time.perf_counter() - began < 20
    check_document(document, chunks)
    assert max(len(packaged_tokens(one.embedded)) for one in chunks) <= 204


@pytest.mark.long
def test_a_document_of_619_pages_needs_little_memory_and_time(shared_data: Path) -> None:
    """Time of the processor: whatever else the machine does."""
    program = Path(__file__).parents[3] / "benchmarks" / "parse_one.py"
    command = [sys.executable, str(program), str(shared_data / "documents" / "DA-619p.pdf")]
    figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(figures)  # noqa: T201 - figures, for -s
    assert figures["pages"] == 619
    assert figures["chunks"] > figures["pages"]
    assert figures["peak_mb"] < 1000
    assert figures["processor_s"] < 60
