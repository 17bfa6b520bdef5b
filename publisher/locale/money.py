"""Currencies and per cent signs, as they stand beside a number."""

from __future__ import annotations

import re

_BEFORE = (
    "Rp US$ A$ AU$ C$ CA$ S$ SG$ HK$ NZ$ NT$ R$ MX$ CN¥ JP¥ $ € £ ¥ ₩ ₹ ₽ ₺ ₫ ₱ ₪ ₴ ฿ ₦ ৳ ₸ ₾ ₡ ₲ Rs RM kr SFr Fr zł "
    "Kč Ft R TL đ S/"
)
_BEHIND = (
    "€ $ £ ¥ ₩ ₹ ₽ ₺ ₫ ₱ ₪ ₴ ฿ kr Kč zł Ft TL đ đồng руб р rupiah Rupiah euro euros Euro dollar dollars Dollar dolar "
    "Franken yen yuan ringgit baht SFr Fr US$ Rp 円 元 원 บาท лв lei грн"
)
_CODES = (
    "AED ARS AUD BDT BGN BHD BND BRL CAD CHF CLP CNH CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR ISK JOD JPY "
    "KES KHR KRW KWD LAK LKR MAD MMK MOP MXN MYR NGN NOK NPR NZD OMR PEN PGK PHP PKR PLN QAR RMB RON RSD RUB SAR SEK "
    "SGD THB TND TRY TWD TZS UAH UGX USD UYU VND XAF XAU XOF ZAR"
)


def _any(names: str) -> str:
    """One of the names, the longest first, a point behind abbreviations if there is one."""
    ordered = sorted(names.split(), key=len, reverse=True)
    return "|".join(rf"{re.escape(name)}\.?" if name[-1].isalpha() else re.escape(name) for name in ordered)


CURRENCIES = (
    re.compile(rf"^(?:{_any(f'{_BEFORE} {_CODES}')}) ?(?=[\d(+–-])"),
    re.compile(rf"(?<=[\d.,)+–-]) ?(?:{_any(f'{_BEHIND} {_CODES}')})$"),
)
"""A currency before a number, and one behind it. A sign may stand between the two."""

PER_CENT = re.compile(
    r"(?<=[\d+-]) ?(?:%|per ?cent|pct\.?|persen|peratus|prozent|procent|prosent|pour ?cent|por ?ciento|por ?cento"
    r"|per ?cento|procenta|प्रतिशत|prosenttia|százalék|процент(?:а|ов)?)$|^%(?=[\d+-])",
    re.IGNORECASE,
)
"""What says per cent, behind a number or, as in Turkish, before it."""


def currency_within(text: str) -> str | None:
    """A currency that stands at either end of a text; None where none does."""
    for pattern in CURRENCIES:
        if match := pattern.search(text):
            return match[0].strip()
    return None
