"""Keys: another one for all that an answer depends on, the same for what it does not."""

from operator import eq

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buttress.caching.keys import (
    FeatureParts,
    Knowledge,
    ModelParts,
    feature_key,
    model_key,
    partition_of,
)
from buttress.caching.types import Key
from buttress.kernel.messages import Message

DOCS = Knowledge("v1", frozenset({"*", "group:staff"}))
ASKED = FeatureParts(
    tenant="acme",
    feature="support",
    release="rel_1",
    input={"question": "Why?", "plan": "free"},
    history=(Message("user", "Hi"), Message("assistant", "Hello")),
    seen_as=("*", "user:ada"),
    knowledge=DOCS,
    surroundings="s1",
)
BODY = ModelParts(
    tenant="acme",
    model="writer",
    entry={"id": "gpt", "base_url": "http://one"},
    dialect="chat",
    fields={"messages": [{"role": "user", "content": "Why?"}], "temperature": 0, "user": "ada"},
)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tenant": "other"}, id="another tenant"),
        pytest.param({"feature": "other"}, id="another feature"),
        pytest.param({"release": "rel_2"}, id="another release"),
        pytest.param({"input": {"question": "Why?", "plan": "paid"}}, id="another input"),
        pytest.param({"input": {"question": "Why?"}}, id="less of an input"),
        pytest.param({"history": ()}, id="without what was said before"),
        pytest.param({"history": (Message("user", "Hi"),)}, id="with less of it"),
        pytest.param({"seen_as": ("*", "group:staff", "user:ada")}, id="who sees more documents"),
        pytest.param({"knowledge": Knowledge("v2", DOCS.readers)}, id="other documents"),
        pytest.param({"surroundings": "s2"}, id="other settings"),
    ],
)
def test_what_an_answer_depends_on_makes_another_key(changes: dict[str, object]) -> None:
    other = msgspec.structs.replace(ASKED, **changes)
    assert feature_key(other) != feature_key(ASKED)
    assert partition_of(other, "question") != partition_of(ASKED, "question") or set(changes) == {"input"}


def test_a_user_that_no_document_names_does_not_count() -> None:
    other = msgspec.structs.replace(ASKED, seen_as=("*", "user:bob", "group:sales"))
    assert feature_key(other) == feature_key(ASKED)


def test_where_nothing_is_retrieved_nobody_counts() -> None:
    one = msgspec.structs.replace(ASKED, seen_as=None, knowledge=None)
    assert feature_key(one) != feature_key(ASKED)


def test_what_is_ended_by_cited_documents_alone_outlives_others() -> None:
    other = msgspec.structs.replace(ASKED, knowledge=Knowledge("v2", DOCS.readers))
    assert feature_key(other, by_version=False) == feature_key(ASKED, by_version=False)
    assert feature_key(ASKED, by_version=False) != feature_key(ASKED)


def test_a_partition_is_all_but_the_question() -> None:
    asked = partition_of(ASKED, "question")
    other_words = msgspec.structs.replace(ASKED, input={"question": "How come?", "plan": "free"})
    other_plan = msgspec.structs.replace(ASKED, input={"question": "Why?", "plan": "paid"})
    assert partition_of(other_words, "question") == asked
    assert partition_of(other_plan, "question") != asked
    assert partition_of(ASKED, "plan") != asked


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tenant": "other"}, id="another tenant"),
        pytest.param({"model": "other"}, id="another name"),
        pytest.param({"entry": {"id": "gpt", "base_url": "http://two"}}, id="another entry of models.yaml"),
        pytest.param({"dialect": "messages"}, id="another dialect"),
        pytest.param({"is_stream": True}, id="streamed"),
        pytest.param({"headers": {"anthropic-beta": "x"}}, id="another header"),
        *(
            pytest.param({"fields": {**BODY.fields, name: value}}, id=f"another {name}")
            for name, value in (
                ("temperature", 1),
                ("seed", 7),
                ("top_p", 0.5),
                ("response_format", {"type": "json_object"}),
                ("tools", [{"type": "function"}]),
                ("max_tokens", 5),
                ("stop", ["."]),
                ("what nobody knows yet", None),
                ("stream_options", {"include_usage": True}),
            )
        ),
    ],
)
def test_what_a_model_is_asked_makes_another_key(changes: dict[str, object]) -> None:
    assert model_key(msgspec.structs.replace(BODY, **changes)) != model_key(BODY)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({**BODY.fields, "user": "bob"}, id="who asks"),
        pytest.param({**BODY.fields, "metadata": {"a": "b"}}, id="notes"),
        pytest.param({**BODY.fields, "temperature": 0.0}, id="how a number is written"),
        pytest.param(dict(reversed(list(BODY.fields.items()))), id="the order of fields"),
    ],
)
def test_what_changes_nothing_makes_the_same(fields: dict[str, object]) -> None:
    assert model_key(msgspec.structs.replace(BODY, fields=fields)) == model_key(BODY)


names = st.text(max_size=8)


@given(names, names, st.dictionaries(names, names, max_size=3), names)
def test_no_two_tenants_ever_share_a_key(one: str, other: str, given_: dict[str, object], name: str) -> None:
    def of(tenant: str) -> tuple[Key, ...]:
        feature = FeatureParts(tenant=tenant, feature=name, release=name, input=given_)
        model = ModelParts(tenant=tenant, model=name, entry=name, dialect=name, fields=given_)
        return feature_key(feature), feature_key(feature, by_version=False), model_key(model)

    assert all((here == there) == (one == other) for here, there in zip(of(one), of(other), strict=True))
    assert of(one)[0] != of(one)[2]


NAMES = ("*", "user:ada", "group:staff", "group:caf\u00e9", "group:cafe\u0301", "group:Staff", "group:staff ")
some_readers = st.frozensets(st.sampled_from(NAMES))


@given(st.lists(some_readers, max_size=5), some_readers, some_readers)
@example([frozenset({NAMES[3]}), frozenset({NAMES[4]})], frozenset({NAMES[3]}), frozenset({NAMES[4]}))
def test_who_has_one_key_may_read_the_same_documents(
    documents: list[frozenset[str]], one: frozenset[str], other: frozenset[str]
) -> None:
    knowledge = Knowledge("v1", frozenset[str]().union(*documents))
    asked = [msgspec.structs.replace(ASKED, knowledge=knowledge, seen_as=tuple(who)) for who in (one, other)]
    seen = [[not who.isdisjoint(readers) for readers in documents] for who in (one, other)]
    keys = [
        (feature_key(who), feature_key(who, by_version=False), partition_of(who, "question")) for who in asked
    ]
    assert seen[0] == seen[1] or not any(map(eq, *keys))
