"""What a reading means: known + observed → a decision. Pure; ``storage`` carries the decisions out."""

from publisher.changes.articles import (
    RETURNS_SENT,
    SETTLE_TIME,
    WINDOW,
    article,
    as_shown,
    embargoed,
    is_early,
    settled,
    withdrawal,
)
from publisher.changes.fingerprint import FINGERPRINT_VERSION, article_fingerprint, indicator_fingerprint
from publisher.changes.indicators import indicator, period_of

__all__ = [
    "FINGERPRINT_VERSION",
    "RETURNS_SENT",
    "SETTLE_TIME",
    "WINDOW",
    "article",
    "article_fingerprint",
    "as_shown",
    "embargoed",
    "indicator",
    "indicator_fingerprint",
    "is_early",
    "period_of",
    "settled",
    "withdrawal",
]
