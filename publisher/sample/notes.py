"""Market notes: stories written from the figures of the moment, so that the newsroom never runs out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from publisher.locale import format_decimal
from publisher.sample.market import Indicator, Market
from publisher.sample.stories import Story


def market_note(market: Market, local: datetime, language: str) -> Story:
    """A note on the market at this local time, in ``id`` or ``en``."""
    return _in_english(market, local) if language == "en" else _in_indonesian(market, local)


def _in_indonesian(market: Market, local: datetime) -> Story:
    at, index, dollar, gold = f"{local:%H.%M}", market["IDX"], market["USD/IDR"], market["EMAS"]
    moved = {"naik": "menguat", "turun": "melemah", "tetap": "tidak berubah"}
    rising = sum(1 for one in market.indicators if one.change > 0)
    return Story(
        slug=f"pantauan-pasar-{local:%Y%m%d-%H%M%S}",
        language="id",
        section="Investasi",
        title=f"Pantauan Pasar {at} WIB: Indeks {moved[index.direction].title()}, Dolar di {_n(dollar.shown, 'id')}",
        dateline="JAKARTA",
        editor="Dimas Hartawan",
        topics=("saham", "rupiah", "komoditas"),
        caption="Layar pergerakan harga di ruang redaksi",
        credit="Warta Niaga/Laras Setyowati",
        paragraphs=(
            f"Indeks gabungan {moved[index.direction]} ke {_n(index.shown, 'id')} pada pukul {at} WIB, "
            f"{_against(index, 'id')} dibandingkan penutupan sebelumnya.",
            f"Dari sebelas indikator yang dipantau, {rising} berada di atas penutupan sebelumnya. "
            f"Indeks LQ45 berada di {_n(market['LQ45'].shown, 'id')}.",
            f"Dolar Amerika Serikat diperdagangkan pada Rp {_n(dollar.shown, 'id')}, {_against(dollar, 'id')}.",
            f"Harga emas tercatat Rp {_n(gold.shown, 'id')} per gram.",
        ),
        addition="Catatan ini diperbarui setelah angka penutupan sesi diperiksa kembali oleh meja redaksi.",
    )


def _in_english(market: Market, local: datetime) -> Story:
    at, index, dollar, gold = f"{local:%H:%M}", market["IDX"], market["USD/IDR"], market["EMAS"]
    moved = {"naik": "higher", "turun": "lower", "tetap": "unchanged"}
    rising = sum(1 for one in market.indicators if one.change > 0)
    return Story(
        slug=f"market-watch-{local:%Y%m%d-%H%M%S}",
        language="en",
        section="Markets",
        title=f"Market Watch {at}: Shares {moved[index.direction].title()}, Dollar at {_n(dollar.shown, 'en')}",
        dateline="JAKARTA",
        editor="Oliver Tandiono",
        topics=("shares", "currencies", "commodities"),
        caption="Prices move across a screen in the newsroom",
        credit="Warta Niaga/Laras Setyowati",
        paragraphs=(
            f"The composite index stood {moved[index.direction]} at {_n(index.shown, 'en')} at {at}, "
            f"{_against(index, 'en')} against the previous close.",
            f"Of the eleven indicators watched here, {rising} were above their previous close. "
            f"The LQ45 index stood at {_n(market['LQ45'].shown, 'en')}.",
            f"The US dollar changed hands at Rp {_n(dollar.shown, 'en')}, {_against(dollar, 'en')}.",
            f"Gold was quoted at Rp {_n(gold.shown, 'en')} a gram.",
        ),
        addition="This note was updated after the desk had checked the figures of the session once more.",
    )


def _n(value: Decimal, language: str) -> str:
    return format_decimal(value, language)


def _against(indicator: Indicator, language: str) -> str:
    sign = "+" if indicator.change > 0 else ""
    return f"{sign}{_n(indicator.percent, language)}%"
