"""References lead to secrets; what is said when they do not names the reference only."""

from pathlib import Path

import pytest

from buttress.settings.errors import SecretMissing
from buttress.settings.secrets import resolve_secret


def test_a_variable_and_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(" s3cret\n")
    assert resolve_secret("env:KEY", project=tmp_path, environment={"KEY": "abc"}) == "abc"
    assert resolve_secret("file:key.txt", project=tmp_path, environment={}) == "s3cret"
    assert resolve_secret("plain", project=tmp_path, environment={}) == "plain"


@pytest.mark.parametrize("reference", ["env:NOT_THERE", "file:not-there.txt", "file:."])
def test_a_reference_that_leads_nowhere_is_an_error(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretMissing, match=reference):
        resolve_secret(reference, project=tmp_path, environment={})
