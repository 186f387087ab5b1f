"""References to secrets, and passwords in addresses."""

import pytest

from buttress.kernel.secrets import SecretReference, has_password, mask_password, parse_reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("env:API_KEY", SecretReference("env", "API_KEY"), id="a variable"),
        pytest.param(" file:keys/a b.txt ", SecretReference("file", "keys/a b.txt"), id="a file"),
        pytest.param("sk-12345", None, id="a key itself"),
        pytest.param("env:", None, id="no name"),
        pytest.param("https://a", None, id="another scheme"),
    ],
)
def test_a_reference_is_recognised(text: str, reference: SecretReference | None) -> None:
    assert parse_reference(text) == reference
    if reference:
        assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        pytest.param("postgresql://u:p@h/db", "postgresql://u:***@h/db", id="a password"),
        pytest.param(
            "postgresql://u:p:q@r@h/db", "postgresql://u:***@h/db", id="a password with marks in it"
        ),
        pytest.param(
            "postgresql://h/db?password=p&a=b", "postgresql://h/db?password=***&a=b", id="a parameter"
        ),
        pytest.param("host=h password=p dbname=d", "host=h password=*** dbname=d", id="a libpq text"),
        pytest.param("postgresql://u@h/db", "postgresql://u@h/db", id="no password"),
        pytest.param("env:URL", "env:URL", id="a reference"),
    ],
)
def test_a_password_is_never_shown(url: str, masked: str) -> None:
    assert mask_password(url) == masked
    assert has_password(url) == (url != masked)
