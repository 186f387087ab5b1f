"""Whether facts stand in the words they stand in in the source."""

import pytest

from buttress.guardrails.contests import is_contested, is_denied
from buttress.guardrails.reading import read_text

PASSAGE = read_text(
    "Rollo founded the abbey of Caen in 1012. His grandson William built the harbour of Rouen in 1066 for "
    "300 pounds. The small plan holds 40 GB, while the large plan holds 90 GB. Most guests pay by card. "
    "Demand increases before the holidays. The old server never restarts after updates. Cheques are not "
    "accepted, "
    "and refunds are paid to the same card. Only 4 % of no-shows were unable to pay."
)


@pytest.mark.parametrize(
    ("sentence", "contested"),
    [
        pytest.param("Rollo founded the abbey of Caen in 1012.", False, id="as it is there"),
        pytest.param(
            "The abbey of Caen was founded by Rollo in 1012.", True, id="turned round: taken for a swap"
        ),
        pytest.param("William founded the abbey of Caen in 1012.", True, id="another name of the passage"),
        pytest.param("Rollo founded the abbey of Rouen in 1012.", True, id="another place of the passage"),
        pytest.param("Rollo founded the abbey of Caen in 1066.", True, id="another year of the passage"),
        pytest.param("The large plan holds 40 GB.", True, id="another number of the passage"),
        pytest.param("The large plan holds 90 GB.", False, id="the right one of two numbers"),
        pytest.param("All guests pay by card.", True, id="all for most"),
        pytest.param("Demand decreases before the holidays.", True, id="less for more"),
        pytest.param("Demand increases after the holidays.", True, id="after for before"),
        pytest.param("Demand grows before the holidays.", False, id="another word for the same"),
        pytest.param("Guests like the harbour.", False, id="nothing definite"),
    ],
)
def test_what_stands_in_the_place_of_another_is_contested(sentence: str, *, contested: bool) -> None:
    assert is_contested(read_text(sentence), PASSAGE) == contested


@pytest.mark.parametrize(
    ("sentence", "denied"),
    [
        pytest.param("Cheques are accepted.", True, id="the not is gone"),
        pytest.param("Cheques are not accepted.", False, id="both deny"),
        pytest.param("Cheques aren't accepted.", False, id="a not in short"),
        pytest.param("Refunds are not paid to the same card.", True, id="a not has come, beside another"),
        pytest.param("Refunds don't go to the same card.", True, id="a not in short has come"),
        pytest.param("The old server restarts after updates.", True, id="the never is gone"),
        pytest.param("The large plan holds no more than 90 GB.", False, id="no more than denies nothing"),
        pytest.param("Refunds are paid not only to the card.", False, id="not only denies nothing"),
        pytest.param("4 % of no-shows could not pay.", False, id="unable is a denial, too"),
        pytest.param("Dogs bark.", False, id="nothing alike"),
    ],
)
def test_a_denial_is_seen(sentence: str, *, denied: bool) -> None:
    assert is_denied(read_text(sentence), PASSAGE) == denied


def test_a_cell_that_says_no_denies_nothing() -> None:
    table = read_text("Task | Owner\nChange the plan | no")
    assert not is_denied(read_text("Change the plan: Owner yes"), table)
