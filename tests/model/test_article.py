"""What an article may hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from publisher.model import Article


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://redaktur:rahasia@example.id/a", "user name or password"),
        ("https://redaktur@example.id/a", "user name or password"),
        ("/a", "no absolute http or https URL"),
        ("ftp://example.id/a", "no absolute http or https URL"),
    ],
)
def test_an_address_that_no_reader_should_see_is_refused_without_repeating_a_password(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        Article(id="a", title="Judul", body="<p>Isi.</p>", url=url)
    assert "rahasia" not in refused.value.errors()[0]["msg"]
