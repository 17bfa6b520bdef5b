"""What a profile's text is made of on the page: one element, and nothing that the page hides."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.sources.html.profiled import read_html
from publisher.sources.profiles.profile import HtmlProfile, load_profile

TEXT = "<p>KONTAN.CO.ID - AMBON. Gudang cengkih itu dibuka pada hari Senin oleh koperasi.</p>"


def told(inside: str = "", behind: str = "") -> list[str]:
    profile = load_profile("kontan", Path("/nowhere"))
    assert isinstance(profile, HtmlProfile)
    page = f"""<html><body><ul class=list-indikator><li>x</li></ul><h1 class="detail-desk">Gudang cengkih dibuka</h1>
        <div class="tmpt-desk-kon">{TEXT}{inside}<!-- pagination end --></div>{behind}</body></html>"""
    reading = read_html(page.encode(), profile, origin="x", now=datetime(2024, 5, 22, tzinfo=UTC))
    return [one.message for one in reading.problems if one.field == "body"]


def test_a_text_in_several_elements_is_told() -> None:
    part = '<div class="tmpt-desk-kon"><p>Bagian kedua menyebut 77 gudang lain di pulau itu.</p></div>'
    assert told(behind=part) == ["stands in several elements; the first is taken"]
    assert told(behind='<div class="tmpt-desk-kon">Iklan</div>') == []


@pytest.mark.parametrize("how", ["hidden", 'style="display:none"', 'style="color: red; display: none;"'])
def test_what_the_page_hides_in_a_text_is_told(how: str) -> None:
    assert told(f"<p {how}>Harga lama adalah 999 rupiah.</p>") == ["the page hides a part of it, which is taken"]
    assert told(f'<p class="ads" {how}>Pasang iklan di sini.</p>') == []
