"""The page as HTML: features, prepared questions, and nothing inline."""

import re
from html.parser import HTMLParser
from typing import get_args

import pytest
from msgspec.structs import replace
from typing_extensions import override

import buttress.models.errors as models_errors
import buttress.prompts.errors as prompts_errors
from buttress.console.demo import MAX_CHARACTERS, POLICY, assets, render_page, shown_feature, type_of
from buttress.gateway.steps.decide import EMPTY
from buttress.gateway.steps.fallback import DECLINED, NOTHING_RELEVANT, QUOTED, WITHHELD
from buttress.guardrails.withholding import Reason
from buttress.knowledge.errors import (
    EngineAway,
    EngineBusy,
    EngineFailed,
    EngineRefused,
    EngineTimeout,
    NotIngested,
    SearchFailed,
)
from buttress.releases.types import Chat, FallbackText, Release, RetrieveStage
from buttress.spend.errors import BudgetExhausted, BudgetHeld, LedgerAway, PriceUnknown

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"


PAGE_JS = assets()["page.js"].decode()

RELEASE = Release(
    feature="support",
    description="Answers.",
    input_schema={
        "type": "object",
        "properties": {"question": {"type": "string"}, "tone": {"type": "string"}},
        "required": ["question"],
    },
    stages=(RetrieveStage(name="find", knowledge="kestrel"),),
    fallback=FallbackText("No."),
    chat=Chat(question="question"),
)


class Elements(HTMLParser):
    """Collects the elements of a page, each with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return the elements of `html`."""
    parser = Elements()
    parser.feed(html)
    return parser.found


@pytest.mark.parametrize("drills", [False, True], ids=["without drills", "with drills"])
def test_nothing_stands_inline_and_nothing_comes_from_elsewhere(*, drills: bool) -> None:
    found = elements(render_page({"support": RELEASE}, drills=drills))
    for tag, attributes in found:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))
    assert [one["src"] for tag, one in found if tag == "script"]
    assert any("data-act" in one for _, one in found) == drills


@pytest.mark.parametrize(
    ("drills", "budget", "shown"),
    [
        pytest.param(True, "demo", ["demo"], id="a budget to spend"),
        pytest.param(True, HOSTILE, [HOSTILE], id="whatever it is called"),
        pytest.param(True, "", [], id="none"),
        pytest.param(False, "demo", [], id="nothing may be broken"),
    ],
)
def test_a_budget_can_be_spent_where_there_is_one_for_it(
    *, drills: bool, budget: str, shown: list[str]
) -> None:
    found = elements(render_page({"support": RELEASE}, drills=drills, budget=budget))
    assert [one["data-budget"] for _, one in found if one.get("data-act") == "spend"] == shown


def test_names_and_descriptions_stay_text() -> None:
    hostile = replace(RELEASE, feature=HOSTILE, description=HOSTILE)
    found = elements(render_page({HOSTILE: hostile}, drills=True))
    assert len([tag for tag, _ in found if tag == "script"]) == 1
    options = [one for tag, one in found if tag == "option"]
    assert (options[0]["value"], options[0]["data-description"]) == (HOSTILE, HOSTILE)


def test_a_project_without_features_has_a_page_that_says_so() -> None:
    html = render_page({}, drills=True)
    assert "no features yet" in html
    assert "<form" not in html


def test_every_asset_that_is_named_is_there() -> None:
    named = set(re.findall(r"/assets/([a-z.]+)\?v=", render_page({}, drills=False)))
    imported = set(re.findall(r'^import .* from "\./([a-z.]+)";$', PAGE_JS, re.MULTILINE))
    assert named | imported == set(assets()) == {"mark.svg", "page.css", "page.js", "answer.js", "budget.js"}
    assert type_of("page.js").startswith("text/javascript")


def _keys(name: str) -> set[str]:
    """Return the keys of an object of page.js."""
    body = PAGE_JS.partition(f"const {name} = {{")[2].partition("};")[0]
    return set(re.findall(r'(?:^|[,{] ?|\s)"?([a-z_.]+)"?: "', body))


def test_every_reason_for_a_fallback_has_its_sentence() -> None:
    """Those of the steps, and each error that a model, a prompt or a search may end a call with."""
    errors = [one for room in (models_errors, prompts_errors) for one in vars(room).values()]
    codes = {one.code for one in errors if isinstance(one, type) and hasattr(one, "code")}
    codes -= {"prompts.memory_late", "prompts.memory_refused"}  # the call goes on without the turns
    # What a client's own words may be refused for, and a command: no feature's call ends so.
    codes -= {"models.request_invalid", "models.state_unsupported", "models.not_added", "models.wrong_kind"}
    steps = {NOTHING_RELEVANT, QUOTED, WITHHELD, DECLINED, EMPTY}
    search = {EngineAway, EngineBusy, EngineTimeout, EngineRefused, EngineFailed, SearchFailed, NotIngested}
    money = {BudgetExhausted.code, BudgetHeld.code, LedgerAway.code, PriceUnknown.code}
    assert codes | steps | money | {one.code for one in search} <= _keys("WHY")
    assert set(get_args(Reason)) == _keys("HELD")


@pytest.mark.parametrize(
    ("properties", "longest"),
    [
        pytest.param({"question": {"maxLength": 4000}}, 4000, id="as the feature has it"),
        pytest.param({"question": {"maxLength": 10**9}}, MAX_CHARACTERS, id="bounded"),
        pytest.param({"question": {}}, MAX_CHARACTERS, id="it has none"),
        pytest.param({}, MAX_CHARACTERS, id="nothing is said of it"),
    ],
)
def test_how_long_a_question_may_be(properties: dict[str, object], longest: int) -> None:
    schema: dict[str, object] = {"type": "object", "properties": properties}
    assert shown_feature(replace(RELEASE, input_schema=schema)).longest == longest


def test_the_policy_allows_nothing_inline() -> None:
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


@pytest.mark.parametrize(
    ("required", "chat", "question"),
    [
        pytest.param(["question"], Chat(question="question"), "question", id="a text fills it all"),
        pytest.param([], Chat(question="question"), "question", id="nothing is required"),
        pytest.param(["question", "plan"], Chat(question="question"), "", id="more is needed"),
        pytest.param(["plan"], None, "", id="it is not asked by chat"),
    ],
)
def test_what_one_text_can_fill(required: list[str], chat: Chat | None, question: str) -> None:
    schema: dict[str, object] = {"type": "object", "required": required}
    assert shown_feature(replace(RELEASE, input_schema=schema, chat=chat)).question == question


def test_the_example_has_questions_and_other_projects_have_none() -> None:
    assert len(shown_feature(RELEASE).prepared.examples) == 3
    assert shown_feature(replace(RELEASE, stages=())).prepared.examples == ()
