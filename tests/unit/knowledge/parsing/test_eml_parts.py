"""What a mail is made of."""

import email
import time
from email.message import EmailMessage

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import BrokenFile, Undecodable
from buttress.knowledge.parsing.eml_parts import MAX_DEPTH, Attachment, Mail, Text, header, read_mail


def mail(body: str, kind: str = "text/plain", more: str = "") -> bytes:
    """Write a mail."""
    return f"From: a@b.example\nSubject: s\nContent-Type: {kind}\n{more}\n{body}".encode()


def parts(*bodies: str, kind: str = "mixed", boundary: str = "x") -> str:
    """Write the parts of a mail, each with its headers."""
    return "".join(f"--{boundary}\n{body}\n" for body in bodies) + f"--{boundary}--\n"


PLAIN = "Content-Type: text/plain\n\nplain"
RICH = "Content-Type: text/html\n\n<p>rich</p>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="ASCII"),
        pytest.param("=?utf-8?q?Gr=C3=BC=C3=9Fe?= to all", "Grüße to all", id="encoded, then not"),
        pytest.param("=?iso-8859-1?q?caf=E9?=", "café", id="Latin-1"),
        pytest.param("=?no-such?q?caf=E9?=", "café", id="an encoding that is none"),
        pytest.param("=?utf-8?b?a?=", "=?utf-8?b?a?=", id="broken base64"),
        pytest.param("=?utf-8?q?a=FF?=", "aÿ", id="bytes that do not fit"),
        pytest.param("a\n  folded", "a folded", id="on two lines"),
        pytest.param("Grüße", "Grüße", id="raw UTF-8"),
    ],
)
def test_headers(value: str, expected: str) -> None:
    """As people read them: a wrong one never costs the mail."""
    message = email.message_from_bytes(f"Subject: {value}\n\n".encode())
    assert header(message, "Subject") == expected
    assert header(message, "To") == ""


def test_a_header_without_end_is_not_decoded() -> None:
    """The library would work on it for minutes."""
    began = time.perf_counter()
    message = email.message_from_bytes(b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\n")
    assert header(message, "Subject").startswith("=?utf-8")
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    ("data", "body"),
    [
        pytest.param(mail("hello"), [Text("hello", is_html=False)], id="a text"),
        pytest.param(mail("<p>a", "text/html"), [Text("<p>a", is_html=True)], id="a page"),
        pytest.param(
            mail(
                "caf=E9=\n.", "text/plain; charset=latin-1", "Content-Transfer-Encoding: quoted-printable\n"
            ),
            [Text("café.", is_html=False)],
            id="quoted-printable",
        ),
        pytest.param(
            mail("w6Q=", "text/plain; charset=utf-8", "Content-Transfer-Encoding: base64\n"),
            [Text("ä", is_html=False)],
            id="base64",
        ),
        pytest.param(
            mail(parts(PLAIN, RICH), "multipart/alternative; boundary=x"),
            [Text("plain", is_html=False)],
            id="of two versions the plain one",
        ),
        pytest.param(
            mail(parts("Content-Type: text/plain\n\n ", RICH), "multipart/alternative; boundary=x"),
            [Text("<p>rich</p>", is_html=True)],
            id="unless it says nothing",
        ),
        pytest.param(
            mail(parts(RICH, "Content-Type: text/calendar\n\nx"), "multipart/alternative; boundary=x"),
            [Attachment("a file of type text/calendar")],
            id="the last version that says anything",
        ),
        pytest.param(
            mail(parts(PLAIN, PLAIN), "multipart/mixed; boundary=x"),
            [Text("plain", is_html=False), Text("plain", is_html=False)],
            id="all parts of a mixed one",
        ),
        pytest.param(
            mail(
                parts("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nno"),
                "multipart/mixed; boundary=x",
            ),
            [Attachment("a.txt")],
            id="an attached text is an attachment",
        ),
        pytest.param(
            mail(
                parts(PLAIN, "Content-Type: image/png; name=logo.png\nContent-ID: <1>\n\nx"),
                "multipart/related; boundary=x",
            ),
            [Text("plain", is_html=False)],
            id="a picture drawn in the text is none",
        ),
    ],
)
def test_bodies(data: bytes, body: list[Text | Attachment]) -> None:
    """In the order they are read."""
    assert [*read_mail(data, "a.eml").body] == body


def test_a_forwarded_mail_is_a_mail() -> None:
    """With its own subject."""
    inner = "Content-Type: message/rfc822\n\nFrom: c@d.example\nSubject: inner\n\nhello"
    (found,) = read_mail(mail(parts(inner), "multipart/mixed; boundary=x"), "a.eml").body
    assert found == Mail("inner", ("From: c@d.example",), (Text("hello", is_html=False),), is_cut_short=False)


def test_the_name_of_an_attachment_is_decoded() -> None:
    """As other programs write it."""
    written = EmailMessage()
    written["Subject"] = "s"
    written.set_content("text")
    written.add_attachment(b"x", maintype="application", subtype="pdf", filename="Grüße.pdf")
    assert read_mail(written.as_bytes(), "a.eml").body[1] == Attachment("Grüße.pdf")


def forwarded(depth: int) -> bytes:
    """Return a mail in a mail in a mail."""
    text = "Subject: s\n\nhello"
    for _ in range(depth):
        text = f"Subject: s\nContent-Type: message/rfc822\n\n{text}"
    return text.encode()


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        pytest.param(b"hello world", BrokenFile, "does not begin with headers", id="no mail"),
        pytest.param(b"", BrokenFile, "does not begin with headers", id="nothing"),
        pytest.param(
            forwarded(MAX_DEPTH + 2), BrokenFile, "more than 20 parts or mails", id="mails in mails"
        ),
        pytest.param(forwarded(3_000), BrokenFile, "a.eml", id="three thousand mails in one another"),
        pytest.param(
            b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\nno part",
            BrokenFile,
            "cut short",
            id="no part",
        ),
        pytest.param(
            mail("x", "text/plain; charset=rot13"), Undecodable, "'rot13'", id="an encoding of no text"
        ),
        pytest.param(
            mail("=FF", "text/plain", "Content-Transfer-Encoding: quoted-printable\n"),
            Undecodable,
            "a.eml is not utf-8: byte 0 (0xff)",
            id="bytes of no encoding",
        ),
    ],
)
def test_refused(data: bytes, error: type[ButtressError], says: str) -> None:
    """One line that names the file."""
    with pytest.raises(error) as caught:
        read_mail(data, "a.eml")
    assert says in caught.value.message
    assert "a.eml" in caught.value.message


def test_a_mail_cut_short_is_noticed() -> None:
    """Its last boundary never came."""
    whole = mail(parts(PLAIN, PLAIN), "multipart/mixed; boundary=x")
    assert not read_mail(whole, "a.eml").is_cut_short
    assert read_mail(whole[:-8], "a.eml").is_cut_short
