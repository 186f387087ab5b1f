"""`access.limits`: which buckets a request touches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.limits import DIMENSIONS, Asking, Bucket, Buckets, Limit, buckets_of
from buttress.kernel.principal import Payer

PAYER = Payer(tenant="acme", feature="support", user="ada", key="k1", tags={"team": "growth"})
FEATURE = Asking(payer=PAYER, is_feature=True, tokens=10)
MODEL = Asking(payer=PAYER, is_feature=False, tokens=10)


def owners(limit: Limit, asking: Asking) -> list[tuple[str, ...]]:
    return [one.owner for one in buckets_of([limit], asking)]


@pytest.mark.parametrize(
    ("per", "owner"),
    [
        pytest.param((), (), id="one bucket for all"),
        pytest.param(("key",), ("k1",), id="one for each key"),
        pytest.param(("tenant", "user"), ("acme", "ada"), id="one for each user of each tenant"),
        pytest.param(("feature",), ("support",), id="one for each feature"),
        pytest.param(("model",), ("",), id="what asks no model shares one"),
        pytest.param(("tag.team",), ("growth",), id="one for each value of a tag"),
        pytest.param(("tag.cost-centre",), ("",), id="what has no such tag shares one"),
    ],
)
def test_per_whom_a_limit_is(per: tuple[str, ...], owner: tuple[str, ...]) -> None:
    assert owners(Limit(name="l", requests_per_minute=1, per=per), FEATURE) == [owner]


def test_a_name_is_a_features_or_a_models() -> None:
    limit = Limit(name="l", requests_per_minute=1, per=("feature", "model"))
    assert owners(limit, FEATURE) == [("support", "")]
    assert owners(limit, MODEL) == [("", "support")]


def test_a_limit_is_about_what_it_says() -> None:
    limit = Limit(name="l", concurrent=1, where={"feature": "support", "tag.team": "growth"})
    assert len(buckets_of([limit], FEATURE)) == 1
    assert buckets_of([limit], MODEL) == []


def test_each_amount_has_a_bucket_of_its_own() -> None:
    limit = Limit(name="l", requests_per_minute=1, tokens_per_minute=2, concurrent=3)
    found = buckets_of([limit, Limit(name="m", requests_per_minute=1)], FEATURE)
    assert [(one.limit, one.kind, one.size) for one in found] == [
        ("l", "requests", 1),
        ("l", "tokens", 2),
        ("l", "concurrent", 3),
        ("m", "requests", 1),
    ]
    assert len({one.number for one in found}) == 4
    assert found == buckets_of([limit, Limit(name="m", requests_per_minute=1)], FEATURE)


dimensions = st.sampled_from([*DIMENSIONS, "tag.team"])
values = st.sampled_from(["a", "b"])
limits = st.builds(
    Limit,
    name=st.sampled_from(["l", "m", "n"]),
    requests_per_minute=st.none() | st.integers(1, 9),
    tokens_per_minute=st.none() | st.integers(1, 9),
    concurrent=st.none() | st.integers(1, 9),
    per=st.lists(dimensions, unique=True).map(tuple),
    where=st.dictionaries(dimensions, values, max_size=2),
)
payers = st.builds(
    Payer,
    tenant=values,
    feature=values,
    user=st.none() | values,
    tags=st.dictionaries(st.just("team"), values),
)
askings = st.builds(Asking, payer=payers, is_feature=st.booleans(), tokens=st.just(1))


@given(declared=st.lists(limits, max_size=3), asked=st.lists(askings, max_size=8))
def test_what_is_known_of_a_kind_of_request_is_what_is_worked_out(
    declared: list[Limit], asked: list[Asking]
) -> None:
    known = Buckets(declared)
    for asking in asked:
        touched, found = known.of(asking), buckets_of(declared, asking)
        assert [*touched.rates, *touched.concurrent] == sorted(found, key=_is_concurrent)
        assert touched.of_tokens == [one for one in found if one.kind == "tokens"]


def _is_concurrent(bucket: Bucket) -> bool:
    return bucket.kind == "concurrent"
