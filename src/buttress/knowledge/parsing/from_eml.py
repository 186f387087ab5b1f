"""EML to blocks: the subject as title and heading, who wrote to whom and when, the text, what was attached.

Of a text in two versions the plain one is read. Attachments are named, in the text and in a warning, and not
read. There are no pages.
"""

from collections.abc import Iterator

from buttress.knowledge.errors import EmptyDocument
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import clean
from buttress.knowledge.parsing.eml_parts import Attachment, Mail, Text, read_mail
from buttress.knowledge.parsing.from_html import add_fragment
from buttress.knowledge.parsing.from_text import add_plain
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

NO_SUBJECT = "(no subject)"
FORWARDED = "Forwarded: "


def parse_eml(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. A mail that was forwarded as a whole is a section of its own."""
    mail = read_mail(data, path)
    if not _says_anything(mail):
        raise EmptyDocument(f"{path} has no subject, and no text")
    builder = DocumentBuilder(path, limits)
    _add(builder, mail, path, 1)
    attached = [*_attached(mail)]
    warnings = [f"attached and not read: {', '.join(attached)}"] if attached else []
    if mail.is_cut_short:
        warnings.append("the mail ends before its last part does: something may be missing")
    return builder.finish("eml", mail.subject, warnings=warnings)


def _add(builder: DocumentBuilder, mail: Mail, path: str, level: int) -> None:
    if level > 1:
        builder.heading(level, FORWARDED + (mail.subject or NO_SUBJECT))
    else:
        builder.heading(level, mail.subject)
    builder.add("paragraph", "\n".join(mail.headers))
    for one in mail.body:
        match one:
            case Text(text, is_html=True):
                add_fragment(builder, text, path)
            case Text(text):
                add_plain(builder, clean(text))
            case Attachment(name):
                builder.add("paragraph", f"Attachment: {name}")
            case Mail():
                _add(builder, one, path, level + 1)


def _says_anything(mail: Mail) -> bool:
    return bool(mail.subject) or any(
        _says_anything(one)
        if isinstance(one, Mail)
        else isinstance(one, Attachment) or bool(clean(one.text).strip())
        for one in mail.body
    )


def _attached(mail: Mail) -> Iterator[str]:
    for one in mail.body:
        if isinstance(one, Attachment):
            yield one.name
        elif isinstance(one, Mail):
            yield from _attached(one)
