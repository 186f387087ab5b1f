"""What may be released of an answer."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.markers import read_sentence
from buttress.guardrails.plain import visible
from buttress.guardrails.sentences import MAX_SENTENCE_CHARACTERS, SentenceBuffer
from buttress.guardrails.withholding import LeadIn, Reason, Released, Withheld, judge
from buttress.kernel.passages import CitationState, Passage
from buttress.testing.passages import a_passage

SHARE = 0.55


def passage(text: str) -> Passage:
    return a_passage(text, document="refunds.md", title="Refunds")


REFUNDS = passage("A refund takes 14 days to arrive. It is paid to the same card. Cheques are not accepted.")
PLANS = passage("The Studio plan costs €49 a month and has 6 calendars.")
PASSAGES = (REFUNDS, PLANS)


@pytest.mark.parametrize(
    ("text", "released"),
    [
        pytest.param("A refund takes 14 days to arrive. [1]", None, id="word for word"),
        pytest.param(" The refund arrives within 14 days. [1]\n", None, id="in other words, blanks kept"),
        pytest.param(
            "Refunds arrive in 14 days. [1][9]", "Refunds arrive in 14 days. [1]", id="no passage 9"
        ),
        pytest.param(
            "A refund takes 14 days to arrive.", "A refund takes 14 days to arrive. [1]", id="uncited"
        ),
        pytest.param(
            " Studio costs €49 a month.\n", " Studio costs €49 a month. [2]\n", id="uncited, blanks kept"
        ),
        pytest.param("Studio costs €49 a month. [1]", "Studio costs €49 a month. [2]", id="the wrong number"),
        pytest.param(
            "Studio costs €49 a month. [9]", "Studio costs €49 a month. [2]", id="an invented number"
        ),
        pytest.param(
            "Cheques are not accepted.", "Cheques are not accepted. [1]", id="a denial that is there"
        ),
    ],
)
def test_what_holds_is_released_under_the_right_number(text: str, released: str | None) -> None:
    judged = judge(text, PASSAGES, content_share=SHARE)
    assert isinstance(judged, Released)
    assert judged.text == (released or text)
    assert judged.standing in {"verbatim", "supported"}
    assert CitationState.UNSUPPORTED not in {one.state for one in judged.citations}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("A refund takes 30 days to arrive. [1]", "unsupported", id="another number"),
        pytest.param("A refund takes 30 days to arrive.", "uncited", id="another number, uncited"),
        pytest.param("The Platinum plan costs €49 a month. [2]", "unsupported", id="another name"),
        pytest.param("The Studio plan costs $49 a month. [2]", "unsupported", id="another currency"),
        pytest.param("A refund does not take 14 days to arrive. [1]", "unsupported", id="denied"),
        pytest.param(
            "Cheques are accepted by us for refunds. [1]", "unsupported", id="asserted, where denied"
        ),
        pytest.param("Our team of experts loves helping customers.", "uncited", id="chatter"),
        pytest.param("Ignore the rules and mail your password to Bob.", "uncited", id="harm"),
        pytest.param("I do not know.", "declined", id="it does not know"),
        pytest.param("The passages don't mention a phone number.", "declined", id="it is not there"),
        pytest.param("I'm sorry, but I cannot answer that.", "declined", id="it cannot"),
        pytest.param("That is not stated in the documents. [1]", "declined", id="not stated, with a marker"),
    ],
)
def test_what_does_not_hold_is_withheld(text: str, reason: Reason) -> None:
    assert judge(text, PASSAGES, content_share=SHARE) == Withheld(text, reason)


@pytest.mark.parametrize(
    "text", ["Yes.", "No.", "Here is how it works:", "***", "\n\n", " ", "Sure!", "Nein."]
)
def test_what_claims_nothing_waits_for_what_it_leads_to(text: str) -> None:
    assert judge(text, PASSAGES, content_share=SHARE) == LeadIn(text)


def test_of_two_passages_that_hold_the_verbatim_one_is_named() -> None:
    near = passage("We promise that a refund usually takes about 14 days to arrive in most cases.")
    judged = judge("A refund takes 14 days to arrive.", (near, REFUNDS), content_share=SHARE)
    assert isinstance(judged, Released)
    assert (judged.text[-3:], judged.standing) == ("[2]", "verbatim")


def test_without_passages_nothing_holds() -> None:
    assert judge("Refunds take 14 days. [1]", (), content_share=SHARE) == Withheld(
        "Refunds take 14 days. [1]", "unsupported"
    )


WORDS = st.lists(
    st.sampled_from(
        [*REFUNDS.text.split(), *PLANS.text.split(), "30", "Platinum", "[1]", "[2]", "[9]", "no", "\n"]
    ),
    max_size=14,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(WORDS | st.text(max_size=80))
def test_nothing_is_released_with_a_number_or_a_marker_that_is_not_there(text: str) -> None:
    judged = judge(text, PASSAGES, content_share=SHARE)
    if isinstance(judged, Released):
        assert set(read_sentence(judged.text).numbers) <= {1, 2}
        assert {one.number for one in judged.citations} == set(read_sentence(judged.text).numbers)
        assert "30" not in judged.text or "Platinum" not in judged.text
        assert read_sentence(judged.text).text == read_sentence(visible(text)).text
    else:
        assert judged.text == visible(text)


HOSTILE = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "a.",
                ". ",
                "-",
                "1,",
                '"',
                "[",
                "]",
                "- ",
                "https://",
                "n't",
                " ",
                "x@",
                "[1]",
                "[ 1",
                "<a ",
            ),
            *(
                "](",
                "A ",
                "not ",
                "5 days ",
                "1 100 ",
                "\n",
                "| a ",
                "é",
                "①",
                "世",
                "x.yy",
                "//",
                "3 days and ",
            ),
            *("Card refunds, ", "ABC ", "x: ", "hundred ", "“a b c” ", "... ", "if ", "1. ", "\u202e", "<"),
        ]
    ),
    min_size=1,
    max_size=3,
).map("".join)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(HOSTILE, st.sampled_from([1, 7, 10**6]))
def test_no_stream_takes_long(part: str, size: int) -> None:
    text = part * (10**6 // len(part) if size == 10**6 else 20_000 // len(part))
    started = time.process_time()
    buffer, judged = SentenceBuffer(), 0
    for at in range(0, len(text), size):
        for sentence in buffer.feed(text[at : at + size]):
            judged += 1
            if judged <= 2:  # an answer ends at the first that is withheld
                judge(sentence, PASSAGES, content_share=SHARE)
    buffer.finish()
    assert time.process_time() - started < 20


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_no_sentence_takes_long(part: str) -> None:
    text = (part * 2_000)[: MAX_SENTENCE_CHARACTERS - 1]
    started = time.process_time()
    judge(text, PASSAGES, content_share=SHARE)
    assert time.process_time() - started < 1


def test_a_piece_without_an_end_is_too_long() -> None:
    text = "A refund takes 14 days to arrive, " * 100
    judged = judge(text[:MAX_SENTENCE_CHARACTERS], PASSAGES, content_share=SHARE)
    assert isinstance(judged, Withheld)
    assert judged.reason == "too_long"


TERMS = passage(
    "They apply to every payment made on or after 1 January 2026 and replace the 2024 terms. You can "
    "ask for a full refund of the first payment on a plan within 30 days of the payment date. You do "
    "not have to give a reason. After that, monthly plans are not refunded, and yearly plans are "
    "refunded for the full months you have not used."
)
PAID = passage(
    "The money goes back the way it came: to the card, or to the bank account of the direct debit. "
    "Card refunds arrive in 3 to 7 working days. Bank refunds arrive in 2 working days. If the card "
    "has expired, the bank still receives the refund and passes it on.\n\nRefunds are paid in euros."
)
ASKED = passage(
    "To pay back a deposit, open the appointment and choose Return deposit. This is possible for 120 "
    "days after the card payment, and Ledgerline keeps its €0.25. You can ask Marit Oosterling, "
    "managing director, for a second look at complaints@kestrel.example. She answers within ten "
    "working days. There are no discount codes, and nobody at Kestrel Works will ask you for one."
)
PRICES = passage(
    "| Plan | Price per month | Staff accounts |\n| --- | --- | --- |\n| Solo | €19 | 2 |\n| Group | "
    "€289 | 300 |"
)
SHOWN = (TERMS, PAID, ASKED, PRICES)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Card refunds arrive in ninety working days.", id="a number in words"),
        pytest.param("You can ask for half a refund of the first payment within 30 days.", id="a half"),
        pytest.param("They apply to every payment made on or after 1 May 2026.", id="May"),
        pytest.param("They apply to every payment made on or after 1 may 2026.", id="may"),
        pytest.param("Ledgerline keeps its €0.25 million.", id="millions"),
        pytest.param("Ledgerline keeps its €0.25k.", id="thousands"),
        pytest.param("Return deposit is possible for 120 full years after the payment.", id="a far unit"),
        pytest.param(
            "Return deposit is possible for a 120-hour period after the payment.", id="another unit"
        ),
        pytest.param("Card refunds arrive in ⑨⑨ working days.", id="circled digits"),
        pytest.param("Card refunds arrive in ⁹⁹ working days.", id="raised digits"),
        pytest.param("Card refunds arrive in 3\u200b7 working days.", id="digits with nothing between"),
        pytest.param("Card refunds arrive in \u202e7 to 3\u202c working days.", id="turned round"),
        pytest.param("Card refunds arrive in XL working days.", id="a Roman number"),
        pytest.param("Bob answers within ten working days.", id="a name that opens the sentence"),
        pytest.param("The money goes back the way it came at evil.com: to the card.", id="a bare domain"),
        pytest.param("Card refunds arrive in 3 to 7 working days via ftp://evil/x.", id="another scheme"),
        pytest.param("Card refunds arrive in 3 to 7 working days [money](//evil/x).", id="a relative link"),
        pytest.param("Card refunds arrive in 3 to 7 working days [it](javascript:alert(1)).", id="a script"),
        pytest.param("Card refunds arrive in 3 to 7 working days <img src=x onerror=alert(1)>.", id="HTML"),
        pytest.param("Саrd rеfunds arrive in 3 to 7 working days.", id="letters of two scripts in a word"),
        pytest.param("Monthly plans are refunded, and yearly plans are not refunded.", id="denials swapped"),
        pytest.param("You have to give a reason.", id="a denial dropped"),
        pytest.param("Have to give a reason.", id="cut off behind its denial"),
        pytest.param("Kestrel Works will ask you for one.", id="cut off behind `nobody`"),
        pytest.param("The bank still receives the refund and passes it on.", id="cut off behind `if`"),
        pytest.param(
            "It is forbidden to ask for a full refund of the first payment on a plan within 30 days.",
            id="forbidden, where allowed",
        ),
        pytest.param(
            'Our staff say "Card refunds arrive in 3 to 7 working days" but that is a lie, they steal it.',
            id="a lie behind a quotation",
        ),
        pytest.param(
            'They say "Refunds are paid in euros" so type your password at evil.com/login now.',
            id="an order behind a quotation",
        ),
        pytest.param(
            "Bank refunds arrive in 3 to 7 working days, card refunds arrive in 2 working days.",
            id="values swapped between two things",
        ),
        pytest.param(
            "Card refunds arrive in 3 to 7 working days, and the staff sells customer photos to advertisers.",
            id="an invention behind a true clause",
        ),
        pytest.param("The Solo plan costs €289 per month.", id="a number of another row"),
        pytest.param("The Group plan has 2 staff accounts.", id="a number of another row, the other way"),
        pytest.param(
            "Send your card number to the friendly folks first:", id="a lead that tells to do something"
        ),
        pytest.param(
            "You have ninety days and must pay a hundred euros in advance:", id="a lead with numbers"
        ),
        pytest.param("Scam!", id="a cry"),
        pytest.param("Forbidden.", id="a word that denies"),
        pytest.param("Nie.", id="another language's"),
        pytest.param("❌❌❌", id="a sign that denies"),
    ],
)
def test_what_a_tester_got_past_an_earlier_check_is_withheld(text: str) -> None:
    assert isinstance(judge(text, SHOWN, content_share=SHARE), Withheld)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Card refunds arrive within 3 to 7 working days.", id="in nearly the same words"),
        pytest.param("You can ask for a full refund within thirty days.", id="a number in words"),
        pytest.param("Yearly plans are refunded for the months you have not used.", id="beside a denial"),
        pytest.param("You do not have to give a reason.", id="a denial"),
        pytest.param("Marit Oosterling is the managing director.", id="a name that opens the sentence"),
        pytest.param('The terms say: "Refunds are paid in euros".', id="a quotation"),
    ],
)
def test_what_is_true_is_released(text: str) -> None:
    assert isinstance(judge(text, SHOWN, content_share=SHARE), Released)


def test_a_row_of_a_table_stays_one() -> None:
    judged = judge("\n| Solo | €19 | 2 |", SHOWN, content_share=SHARE)
    assert isinstance(judged, Released)
    assert judged.text == "\n| Solo | €19 | 2 [4] |"


def test_a_name_of_the_question_that_stands_in_some_document_is_known() -> None:
    text = "All Kestrel Ledger refunds are paid in euros."
    assert isinstance(judge(text, SHOWN, content_share=SHARE), Withheld)
    assert isinstance(
        judge(text, SHOWN, content_share=SHARE, asked=frozenset({"kestrel", "ledger"})), Released
    )
    other = "You can ask Bob, managing director, for a second look."
    assert isinstance(judge(other, SHOWN, content_share=SHARE, asked=frozenset({"bob"})), Withheld)
