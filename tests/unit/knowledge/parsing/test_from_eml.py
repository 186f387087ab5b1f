"""EML to blocks."""

from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import PARSE_ERRORS, EmptyDocument
from buttress.knowledge.parsing.from_eml import parse_eml
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract


def parse(data: bytes) -> ParsedDocument:
    """Parse a file as `a.eml`; the promises are checked each time."""
    document = parse_eml(data, "a.eml", ParseLimits())
    check_blocks(document)
    return document


def shown(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return kind and text of each block."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def written(subject: str, text: str, html: str = "") -> EmailMessage:
    """Write a mail."""
    message = EmailMessage()
    if subject:
        message["Subject"] = subject
    message["From"] = "Ann <ann@a.example>"
    message["To"] = "bob@b.example"
    message["Date"] = "Mon, 01 Jan 2024 10:00:00 +0100"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


HEADERS = "From: Ann <ann@a.example>\nTo: bob@b.example\nDate: Mon, 01 Jan 2024 10:00:00 +0100"


class TestContract(ParserContract):
    """EML keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_eml

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a mail of some lines."""
        return written("The lid", "The lid does not close.\n\n" * 9).as_bytes()

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a mail from somebody about nothing."""
        return written("", "  ").as_bytes()


def test_subject_people_text_and_attachments() -> None:
    """The subject is title and heading; what is attached is named and not read."""
    message = written("Re: The lid", "HELLO BOB\n\n- one\n- two\n\n> quoted", "<p>rich</p>")
    message.add_attachment(b"secret", maintype="application", subtype="pdf", filename="bill.pdf")
    document = parse(message.as_bytes())
    assert document.title == "Re: The lid"
    assert shown(document) == [
        ("heading", "Re: The lid"),
        ("paragraph", HEADERS),
        ("paragraph", "HELLO BOB"),
        ("list_item", "- one"),
        ("list_item", "- two"),
        ("paragraph", "> quoted"),
        ("paragraph", "Attachment: bill.pdf"),
    ]
    assert document.warnings == ("attached and not read: bill.pdf",)
    assert document.page_spans == ()


def test_a_page_is_read_as_one() -> None:
    """Tables stay tables, what is hidden goes."""
    message = written("s", "  ", "<p hidden>no</p><h2>Fees</h2><table><tr><th>a<th>b<tr><td>1<td>2</table>")
    assert shown(parse(message.as_bytes()))[2:] == [("heading", "Fees"), ("table", "a | b\n1 | 2")]


def test_a_forwarded_mail_is_a_section() -> None:
    """With its own subject and people."""
    message = written("Fwd", "see below")
    message.add_attachment(written("The lid", "It is broken."))
    document = parse(message.as_bytes())
    assert shown(document)[3:] == [
        ("heading", "Forwarded: The lid"),
        ("paragraph", HEADERS),
        ("paragraph", "It is broken."),
    ]
    assert document.blocks[-1].section == ("Fwd", "Forwarded: The lid")


def test_a_mail_of_a_subject_alone_is_one() -> None:
    """Some say it all there."""
    assert parse(written("Come at five", "").as_bytes()).text.startswith("Come at five")


def test_a_mail_about_nothing_is_empty() -> None:
    """Its headers alone answer no question."""
    with pytest.raises(EmptyDocument, match=r"a\.eml has no subject, and no text"):
        parse(written("", "").as_bytes())


def test_a_mail_cut_short_is_said() -> None:
    """What is there is read."""
    data = written("s", "plain", "<p>rich</p>").as_bytes()
    assert parse(data[: data.rindex(b"--==")]).warnings == (
        "the mail ends before its last part does: something may be missing",
    )


words = st.text("abcä –ß漢", min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


@settings(max_examples=60)
@given(words, st.lists(words, min_size=1, max_size=5), st.sampled_from(["utf-8", "gb18030"]))
def test_what_is_written_is_read(subject: str, paragraphs: list[str], charset: str) -> None:
    """In any encoding that another program writes."""
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("\n\n".join(paragraphs), charset=charset, cte="base64")
    document = parse(message.as_bytes())
    assert document.title == subject
    assert [text for _, text in shown(document)] == [subject, *paragraphs]


@settings(max_examples=150)
@given(
    st.binary(max_size=300),
    st.sampled_from(["multipart/mixed; boundary=x", "text/html", "message/rfc822", "a"]),
)
def test_any_bytes_give_a_document_or_a_known_error(data: bytes, kind: str) -> None:
    """Nothing else comes out."""
    with suppress(*PARSE_ERRORS.values()):
        parse(f"Subject: s\nContent-Type: {kind}\n\n".encode() + data)
