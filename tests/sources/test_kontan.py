"""The shipped profiles of kontan.co.id, over a page of the same build."""

import shutil
from pathlib import Path

import pytest
from support.clock import ManualClock
from support.reading import FIXTURES, open_source

from publisher.model import IndicatorSpec, article_json, indicator_json
from publisher.model.observed import Batch

PAGE = FIXTURES / "kontan"
PARAGRAPHS = [
    "<p>Koperasi Petani Cengkih Lestari membuka gudang kering berkapasitas 4.200 ton di Pelabuhan Yos Sudarso, Ambon."
    " Gudang itu menjadi yang kesebelas milik koperasi tersebut.</p>",
    "<p>Ketua koperasi Maria Latuheru menyebut biaya pembangunan mencapai Rp 38,6 miliar. Dana itu berasal dari"
    " simpanan anggota dan pinjaman bank daerah.</p>",
    '<p>"Petani tidak perlu lagi menjual cepat saat harga turun," kata Latuheru.</p>',
    "<p>Produksi cengkih Maluku tahun lalu tercatat 21.300 ton, naik 4,7% dari tahun sebelumnya.</p>",
    "<p>Gudang memakai pengering tenaga surya &amp; sensor kelembapan. Pengelola menargetkan kadar air di bawah"
    " 12%.</p>",
    "<p>Pengiriman pertama ke Surabaya dijadwalkan pada 3 Juni 2024.</p>",
]
LINKED = (
    '<p>Pengiriman pertama ke <a href="https://www.kontan.co.id/kota/surabaya" rel="noopener noreferrer">Surabaya</a>'
    " dijadwalkan pada 3 Juni 2024.</p>"
)
COMMON = {
    "title": "Koperasi Cengkih Buka Gudang Kering Kesebelas di Ambon",
    "authors": ["Nadia Salampessy", "Beni Rumahlatu"],
    "editor": "Laras Wiraningtyas",
    "agency": "Warta Bahari",
    "dateline": "AMBON",
    "language": "id",
    "published": "2024-05-21T05:05:00Z",
    "updated": None,
    "attachments": [],
}
CAPTION = "Pekerja menjemur cengkih di halaman gudang koperasi, Ambon, Senin (20/5/2024)."
CREDIT = "KONTAN/Yohanis Pattiasina"
TICKER = [
    ("EMAS", "1534500", "12500", "0.82"),
    ("USD/IDR", "16243", "-18.50", "-0.11"),
    ("IDX", "7012", "28.14", "0.40"),
    ("LQ45", "822", "0", "0.00"),
]


async def _read(path: Path, profile: str, home: Path, clock: ManualClock) -> Batch:
    shutil.copytree(
        path.parent, home / "inbox", ignore=lambda folder, names: [one for one in names if one != path.name]
    )
    spec = IndicatorSpec(symbol="USD/IDR", slug="usd-idr", name="US dollar in rupiah", unit="IDR")
    source = open_source("folder", home, clock, profile=profile, path="inbox", indicators={"USD/IDR": spec})
    return await source.read({})


async def test_every_value_of_the_page_comes_out_of_its_markup(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(PAGE / "cengkih.html", "kontan", tmp_path, clock)
    assert batch.problems == ()
    [found] = batch.articles
    assert found.identity == "https://industri.kontan.co.id/news/koperasi-cengkih-buka-gudang-kering"
    assert article_json(found.article) == COMMON | {
        "id": found.article.id,
        "url": "https://industri.kontan.co.id/news/koperasi-cengkih-buka-gudang-kering?utm_source=beranda",
        "summary": "Gudang berkapasitas 4.200 ton menampung panen anggota koperasi.",
        "section": "INDUSTRI",
        "topics": ["Cengkih", "Maluku"],
        "images": [
            {
                "url": "https://foto.kontan.co.id/smart/2024/05/21/cengkih.jpg",
                "caption": CAPTION,
                "credit": CREDIT,
                "type": None,
                "width": None,
                "height": None,
            }
        ],
        "related": [
            {
                "title": "Harga Pala Banda Stabil Menjelang Musim Panen",
                "url": "https://industri.kontan.co.id/news/harga-pala-banda-stabil",
            },
            {
                "title": "Tol Laut Tambah Dua Rute ke Maluku",
                "url": "https://www.kontan.co.id/news/tol-laut-tambah-dua-rute",
            },
        ],
        "body": "\n".join([*PARAGRAPHS[:-1], LINKED]),
    }


async def test_every_value_of_the_text_dump_comes_out_of_its_lines(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(PAGE / "cengkih.txt", "kontan-text", tmp_path, clock)
    assert batch.problems == ()
    [found] = batch.articles
    assert found.identity == "desk/cengkih.txt"
    assert article_json(found.article) == COMMON | {
        "id": found.article.id,
        "url": None,
        "summary": None,
        "section": None,
        "topics": [],
        "images": [{"url": None, "caption": CAPTION, "credit": CREDIT, "type": None, "width": None, "height": None}],
        "related": [
            {"title": "Harga Pala Banda Stabil Menjelang Musim Panen", "url": None},
            {"title": "Tol Laut Tambah Dua Rute ke Maluku", "url": None},
        ],
        "body": "\n".join(PARAGRAPHS),
    }


@pytest.mark.parametrize(("file", "profile"), [("cengkih.html", "kontan"), ("cengkih.txt", "kontan-text")])
async def test_the_ticker_has_the_sources_own_digits_and_no_time_but_that_of_the_reading(
    file: str, profile: str, tmp_path: Path, clock: ManualClock
) -> None:
    batch = await _read(PAGE / file, profile, tmp_path, clock)
    shown = [indicator_json(one) for one in batch.indicators]
    assert [(one["symbol"], one["value"], one["change"], one["percent"]) for one in shown] == TICKER
    assert {one["as_of"] for one in shown} == {None}
    assert {one.observed_at for one in batch.indicators} == {clock()}
    assert (shown[1]["name"], shown[1]["unit"]) == ("US dollar in rupiah", "IDR")
    assert (shown[0]["name"], shown[0]["unit"]) == ("EMAS", None)
