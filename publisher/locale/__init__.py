"""Numbers and dates of a locale, read strictly and written.

The symbols, names and grouping are those of CLDR, through babel. Reading never guesses: what is not plainly a number
or a date of the locale is a :class:`~publisher.errors.ReadError` that names the text. A wrong number in a feed is
worse than none.
"""

from publisher.locale.decimals import format_decimal, parse_decimal, says_nothing, without_arrow
from publisher.locale.lookup import LocaleName, known_locale, known_zone
from publisher.locale.moments import ReadDate, format_date, format_datetime, parse_datetime
from publisher.locale.written import DateOrder
from publisher.locale.zones import NAMED

__all__ = [
    "NAMED",
    "DateOrder",
    "LocaleName",
    "ReadDate",
    "format_date",
    "format_datetime",
    "format_decimal",
    "known_locale",
    "known_zone",
    "parse_datetime",
    "parse_decimal",
    "says_nothing",
    "without_arrow",
]
