"""Sentences that claim nothing: what opens an answer, and what says that there is none. Pure.

They are closed lists: whatever else a model writes must stand in a passage.
"""

import re
from typing import Literal

from buttress.guardrails.markers import strip_markers
from buttress.guardrails.reading import read_claim

_MARKS = re.compile(r"[\s*_#>~=+|`.,:;!?…•–—-]*")
_OPENINGS = frozenset(
    line.strip()
    for line in """
    sure | certainly | of course | ok | okay | absolutely | great question | good question | hello | hi
    thanks | here is how | here is how it works | here is how to do it | here it is | here you go
    here are the steps | here are the details | here are some options | here are your options
    here's how | here's how it works | here is what you need to know | here is what the documents say
    here is the answer | follow these steps | follow the steps below | to do so | to do this
    to do that | in short | in summary | in brief | to summarise | to summarize | summary | answer
    short answer | note | notes | please note | important | for example | example | steps | details
    also | in addition | additionally | finally | first | second | third | next | then | however
    according to the passages | according to the documents | based on the passages
    based on the documents | based on the provided passages | according to the provided passages
    based on the information provided | from the documents | the documents say | the passages say
    the details are as follows | as follows | sicher | natürlich | gerne | gern | so geht es | so geht's
    so funktioniert es | hier die antwort | kurz gesagt | zusammenfassung | hinweis | zum beispiel
    laut den dokumenten | gehen sie so vor | bien sûr | voici comment | voici la réponse
    voici les étapes | en bref | en résumé | par exemple | selon les documents | claro | por supuesto
    así funciona | aquí está la respuesta | estos son los pasos | en resumen | por ejemplo
    según los documentos | certo | certamente | ecco come | ecco la risposta | in breve | in sintesi
    per esempio | secondo i documenti | zeker | natuurlijk | zo werkt het | kortom | samengevat
    bijvoorbeeld | volgens de documenten | com certeza | veja como | em resumo | por exemplo
    segundo os documentos | visst | självklart | så här gör du | kort sagt | till exempel
    enligt dokumenten
    """.replace("\n", "|").split("|")
    if line.strip()
)
_ANSWERS: dict[str, Literal["yes", "no"]] = {
    **dict.fromkeys("yes yep correct right ja oui sí si sì sim".split(), "yes"),  # noqa: SIM905 - words
    **dict.fromkeys("no nope nein non nee não nej".split(), "no"),  # noqa: SIM905 - the same
}
_DECLINING = re.compile(
    r"""\b(?:
        (?:do|does|did)\s?(?:not|n['’]t)\s+(?:know|contain|mention|say|state|provide|specify|include|answer|cover)
      | (?:can\s?not|can['’]t|could\s+not|couldn['’]t|am\s+unable\s+to|unable\s+to)\s+
            (?:answer|find|determine|tell|say)
      | (?:is|are)\s+not\s+(?:mentioned|stated|provided|specified|covered|given|available|found)\s+in\b
      | no\s+(?:information|mention|answer)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_ABOUT_THE_ANSWER = re.compile(
    r"\b(?:i|we|passages?|documents?|context|information|sources?|texts?|answer)\b", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"""[,;:—–(\["“”„«»|\n] | \s-\s | [.!?]\s
      | \b(?:but|so|because|and|or|yet|still|although|though|as|since|while|please|instead|only|except|unless
            |aber|mais|pero|maar)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MAX_WORDS = 14


def opens(sentence: str) -> bool:
    """Say whether a sentence claims nothing: a line of marks, or one of the openings known here."""
    return bool(_MARKS.fullmatch(sentence)) or _bare(sentence) in _OPENINGS


def answer_word(sentence: str) -> Literal["yes", "no"] | None:
    """Return what a sentence of one word answers; None for any other."""
    return _ANSWERS.get(_bare(sentence))


def agrees(lead: str, sentence: str) -> bool:
    """Say whether a lead may stand before this sentence: a `No` before a denial, a `Yes` before none."""
    word = answer_word(lead)
    reading = read_claim(strip_markers(sentence))
    return word is None or (word == "no") == bool(reading.near_denials)


def declines(sentence: str) -> bool:
    """Say whether a sentence says that there is no answer."""
    return bool(_DECLINING.search(sentence) and _ABOUT_THE_ANSWER.search(sentence))


def declines_only(sentence: str) -> bool:
    """Say whether it says nothing but that: one clause, of few words."""
    said = sentence.strip().rstrip(".!")
    facts = (forms[0] for forms in read_claim(said).facts)
    has_facts = any(form[0].isdigit() or form.startswith("address:") for form in facts)
    return declines(said) and not has_facts and not _GOES_ON.search(said) and len(said.split()) <= _MAX_WORDS


def _bare(sentence: str) -> str:
    """Return the words of a sentence, without the marks around them."""
    words = sentence.strip(" \t\r\n*_#>.,:;!?…•-").lower().replace("’", "'")
    return " ".join(words.split())
