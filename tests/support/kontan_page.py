"""One article of our own, on a page built as kontan.co.id builds them: as its markup, as a text dump, and as JSON.

Every value stands here once, as an API must show it; the writers put it into each form as the site does, between what
is no part of the article.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

TITLE = "Teater Kota Moskow Pentaskan Wayang Kulit dari Yogyakarta"
PUBLISHED, SHOWN_DATE = "2024-02-08T23:31:00Z", "Jumat, 09 Februari 2024 / 06:31 WIB"
DATELINE, EDITOR, AGENCY = "MOSKOW", "Tirta Mahendra", "Kabar Utara"
CAPTION, CREDIT = "Dalang memainkan wayang di panggung kecil, Kamis (8/2/2024).", "Panggung/Ilya Orlov via KABAR UTARA"
PARAGRAPHS = (
    "Sebuah rombongan dalang dari Yogyakarta membuka pekan pertunjukan wayang kulit pada Kamis (8/2/2024).",
    "Gedung berkapasitas 640 kursi itu terisi penuh sejak malam pertama.",
    "Penonton mengikuti lakon lewat teks berjalan dalam dua bahasa.",
    "Rombongan membawa 215 wayang dan seperangkat gamelan seberat 1,8 ton.",
    "Biaya perjalanan ditanggung bersama oleh dua yayasan kesenian dengan nilai US$ 218.200.",
    "Direktur teater menyebut kerja sama itu sudah disiapkan selama tiga tahun.",
    "Lakon utama berlangsung empat jam, lebih pendek daripada pentas di kampung.",
    "Para pemain gamelan berlatih dengan musisi setempat pada pagi hari.",
    "Sekolah musik di kota itu menerima sumbangan dua gender dan satu saron.",
    '"Kami ingin penonton muda menyentuh wayangnya," kata sang dalang.',
    "Pameran tatah sungging menemani pertunjukan sampai akhir Maret.",
    "Tiket termurah dijual seharga 450 rubel, separuhnya bagi pelajar.",
    "Rombongan melanjutkan perjalanan ke Kazan pada pekan berikutnya.",
)
RELATED = (
    ("Gamelan Jawa Masuk Kurikulum Konservatori", "https://internasional.kontan.co.id/news/gamelan-jawa-konservatori"),
    ("Pelajar Rusia Belajar Menatah Wayang", "https://internasional.kontan.co.id/news/pelajar-menatah-wayang"),
)
CANONICAL = "https://internasional.kontan.co.id/news/teater-kota-moskow-pentaskan-wayang-kulit"
PICTURE = "https://foto.kontan.co.id/smart/2024/02/08/wayang.jpg"

INDICATORS = (
    ("EMAS", "1533000", "0", "0.00"),
    ("USD/IDR", "16199", "95.00", "0.58"),
    ("IDX", "6984", "6.63", "0.09"),
    ("KOMPAS100", "1040", "-1.32", "-0.13"),
    ("LQ45", "817", "-1.41", "-0.17"),
    ("ISSI", "212", "-0.19", "-0.09"),
    ("IDX30", "416", "-1.10", "-0.26"),
    ("IDXHIDIV20", "502", "-1.67", "-0.33"),
    ("IDX80", "119", "-0.13", "-0.11"),
    ("IDXV30", "124", "-0.51", "-0.41"),
    ("IDXQ30", "139", "-0.27", "-0.19"),
)
"""Symbol, value, change and percent, with the site's own digits."""

# After which paragraph a related headline stands.
_RELATED_AFTER = {5: 0, 11: 1}


def _shown(number: str) -> str:
    """A number as the site writes it: dots between thousands, a comma before decimals."""
    whole, comma, decimals = number.replace(".", ",").partition(",")
    grouped = f"{int(whole.removeprefix('-')):,}".replace(",", ".")
    return f"{'-' * whole.startswith('-')}{grouped}{comma}{decimals}"


def as_html(
    *, title: str = TITLE, canonical: str = CANONICAL, indicators: Sequence[tuple[str, ...]] = INDICATORS
) -> str:
    """The page."""
    rows = "\n".join(
        f'<li><a href="//pusatdata.kontan.co.id/"><span class="nama">{symbol}</span> <span class="nilai">'
        f'{_shown(value)}</span> &nbsp; <span class="{"turun" if change.startswith("-") else "naik"}">'
        f"{_shown(change)} &nbsp; {_shown(percent)}%</span></a></li>"
        for symbol, value, change, percent in indicators
    )
    body = []
    for number, text in enumerate(PARAGRAPHS, 1):
        start = f"<strong>KONTAN.CO.ID -&nbsp;{DATELINE}.</strong> " if number == 1 else ""
        body.append(f"<p>{start}{text}&nbsp;</p>")
        if number in _RELATED_AFTER:
            headline, link = RELATED[_RELATED_AFTER[number]]
            body.append(
                f'<p><strong>Baca Juga: <a class="track-bacajuga-inside" href="{link.removeprefix("https:")}">'
                f"{headline}</a></strong></p>"
            )
    paragraphs = "\n".join(body)
    return f"""<!doctype html><html lang="id"><head><meta charset="utf-8"><title>{title}</title>
<link rel="canonical" href="{canonical}"></head><body>
<div class="indikator"><span>| <span id="jam"></span>: WIB | INDIKATOR |</span><ul class="list-indikator">
{rows}
</ul></div><div class="bag-kiri">
<div class="breadcumb fs18"><a href="//internasional.kontan.co.id">INTERNASIONAL</a> / <a href="/r">Global</a></div>
<h1 class="detail-desk">{title}</h1>
<div class="fs14 ff-opensans font-gray">{SHOWN_DATE}</div>
<div class="img-detail-desk"><img src="{PICTURE}" alt=""><p class="ket-foto">ILUSTRASI. {CAPTION} {CREDIT}</p></div>
<div class="tmpt-desk-kon" itemprop="articleBody">
<p>Sumber: <strong>{AGENCY}</strong> | Editor: <strong>{EDITOR}</strong></p>
{paragraphs}
<p>Selanjutnya: <a href="/x">Halaman berikut</a></p>
<!-- pagination end -->
<p>Cek Berita dan Artikel yang lain di <a href="https://news.google.com/">Google News</a></p>
</div><div class="tag"><a href="/tag/wayang">Wayang</a><a href="/tag/moskow">Moskow</a></div></div>
<div class="bag-kanan"><h2>TERBARU</h2><ul><li>Pasar Ikan<span class="font-gray">5 Menit lalu</span></li></ul></div>
<div class="footer">[X] &times;</div></body></html>
"""


def as_text() -> str:
    """The page as a dump of its text."""
    rows = "\n".join(
        f"  • {symbol} {_shown(value)}   {_shown(change)}   {_shown(percent)}%"
        for symbol, value, change, percent in INDICATORS
    )
    body = []
    for number, text in enumerate(PARAGRAPHS, 1):
        body.append(f"KONTAN.CO.ID - {DATELINE}. {text}" if number == 1 else text)
        if number in _RELATED_AFTER:
            body.append(f"Baca Juga: {RELATED[_RELATED_AFTER[number]][0]}")
    paragraphs = "\n\n".join(body)
    return f"""kontan.co.id
banner langganan top
| : WIB | INDIKATOR |
{rows}

{TITLE}


{SHOWN_DATE}
{TITLE}
ILUSTRASI. {CAPTION} {CREDIT}


Sumber: {AGENCY} | Editor: {EDITOR}

{paragraphs}



TERBARU

[X]
×"""


def as_json() -> str:
    """The article as a CMS drops it; such a file has no ticker."""
    return orjson.dumps(article(url=CANONICAL, picture=PICTURE, linked=True) | {"id": "wayang-moskow"}).decode()


def article(*, url: str | None, picture: str | None, linked: bool) -> dict[str, Any]:
    """The article as the API shows it, without what a form may lack; ``linked``, related headlines have addresses."""
    return {
        "url": url,
        "title": TITLE,
        "body": "\n".join(f"<p>{text}</p>" for text in PARAGRAPHS),
        "authors": [],
        "editor": EDITOR,
        "agency": AGENCY,
        "dateline": DATELINE,
        "language": "id",
        "published": PUBLISHED,
        "updated": None,
        "images": [{"url": picture, "caption": CAPTION, "credit": CREDIT, "type": None, "width": None, "height": None}],
        "attachments": [],
        "related": [{"title": title, "url": link if linked else None} for title, link in RELATED],
    }
