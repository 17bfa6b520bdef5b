"""What HTML of an article may be: the one owner of markup. Pure: no file, no clock, no network.

Intake cleans with it once; whoever renders trusts what is stored. Markup is taken apart by a parser, never by a regular
expression.
"""

from publisher.content.address import absolute
from publisher.content.cleaning import Cleaned, Notes, clean, harmless
from publisher.content.cutting import cut
from publisher.content.text import (
    excerpt,
    first_text,
    markup_of,
    one_line,
    opening,
    paragraph,
    shortened,
    summarised,
    summary_of,
    text_of,
)
from publisher.content.vocabulary import ELEMENTS

__all__ = [
    "ELEMENTS",
    "Cleaned",
    "Notes",
    "absolute",
    "clean",
    "cut",
    "excerpt",
    "first_text",
    "harmless",
    "markup_of",
    "one_line",
    "opening",
    "paragraph",
    "shortened",
    "summarised",
    "summary_of",
    "text_of",
]
