"""Numbers and times as a page shows them, in the language of the site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from babel.dates import format_date as write_date
from babel.dates import format_time

from publisher.clock import bounded, rfc3339
from publisher.errors import ReadError
from publisher.locale import format_date, format_decimal, known_locale, known_zone
from publisher.locale.lookup import zone_name

_MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Shown:
    """A moment for a ``<time>`` element: ``machine`` for its attribute, ``text`` for people."""

    machine: str
    text: str


class Localised:
    """Writes in one language and time zone; a language that CLDR does not know is written as English."""

    def __init__(self, language: str, timezone: str) -> None:
        try:
            self.locale = known_locale(language)
        except ReadError:
            language, self.locale = "en", known_locale("en")
        self.language = language
        self.timezone = timezone

    def number(self, value: Decimal | int, *, signed: bool = False) -> str:
        """The number with all its own digits; ``signed`` shows its sign always, zero has none."""
        written = format_decimal(abs(Decimal(value)), self.language)
        # A typeset minus is as wide as the plus; CLDR has the hyphen for most languages.
        return f"{_MINUS if value < 0 else '+' if signed and value > 0 else ''}{written}"

    def percent(self, value: Decimal) -> str:
        """Per cent with its sign, spaced as the language does: ``+0,58%``, ``+0,58 %``."""
        space = "\u00a0" if "\u00a0" in self.locale.percent_formats[None].pattern else ""
        return f"{self.number(value, signed=True)}{space}%"

    def moment(self, moment: datetime) -> Shown:
        """Day, time and zone: ``9 Feb 2024 06.31 WIB``."""
        return Shown(rfc3339(moment), f"{format_date(moment, self.language, self.timezone)} {self._time(moment)}")

    def brief(self, moment: datetime, today: datetime) -> Shown:
        """The time alone for what is of today, else the day."""
        if self._local(moment).date() == self._local(today).date():
            return Shown(rfc3339(moment), self._time(moment))
        return Shown(rfc3339(moment), format_date(moment, self.language, self.timezone))

    def day(self, moment: datetime) -> Shown:
        """The whole date with its weekday: ``Jumat, 9 Februari 2024``."""
        date = self._local(moment).date()
        return Shown(date.isoformat(), write_date(date, "full", self.locale))

    def _local(self, moment: datetime) -> datetime:
        return bounded(moment).astimezone(known_zone(self.timezone))

    def _time(self, moment: datetime) -> str:
        local = self._local(moment)
        return f"{format_time(local, 'short', local.tzinfo, self.locale)}\u00a0{zone_name(local, self.locale)}"
