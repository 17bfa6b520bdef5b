"""A market indicator, and one observation of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from publisher.model.base import Frozen, Line, Moment, Name, Text


def _no_float(value: object) -> object:
    # A JSON number has lost the source's own digits (95.00 → 95.0) before we see it.
    if isinstance(value, bool | float):
        raise ValueError('give decimals as strings, "95.00", so that their digits are kept')
    return value


def decimal_text(value: Decimal) -> str:
    """The decimal's own digits, never in exponent form: ``95.00``."""
    return format(value, "f")


Digits = Annotated[
    Decimal,
    BeforeValidator(_no_float),
    Field(allow_inf_nan=False, max_digits=40),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
]
"""A finite decimal that keeps the digits it was written with."""


class Indicator(Frozen):
    """One observation of an indicator, as the API and webhooks carry it.

    ``change`` and ``percent`` are against the previous close, in the value's unit and in per cent. ``as_of`` is when
    the market says the value held, None where the source does not say; ``observed_at`` is when we read it.
    """

    symbol: Annotated[Text, Field(min_length=1, max_length=64)]
    name: Name
    value: Digits
    change: Digits | None = None
    percent: Digits | None = None
    unit: Line = None
    as_of: Moment | None = None
    observed_at: Moment

    @field_validator("symbol")
    @classmethod
    def _plain_symbol(cls, value: str) -> str:
        if value != value.strip() or any(character.isspace() and character != " " for character in value):
            raise ValueError("must not begin or end with white space, or contain line breaks")
        return value


HOLD_ABOVE = 0.2
"""The share of the last published value by which the next may differ without a second reading that agrees."""


class IndicatorSpec(Frozen):
    """What ``config/indicators.toml`` says of one indicator.

    ``hold_above`` is the share of the last published value above which another waits for a second reading that agrees;
    0: none waits.
    """

    symbol: Annotated[Text, Field(min_length=1, max_length=64)]
    slug: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    name: Annotated[Name, Field(max_length=200)]
    names: dict[str, Name] = Field(default_factory=dict)
    unit: Line = None
    decimals: Annotated[int, Field(strict=True, ge=0, le=10)] = 2
    timezone: str = "Asia/Jakarta"
    hold_above: Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)] = HOLD_ABOVE


def indicator_json(indicator: Indicator) -> dict[str, Any]:
    """The observation as JSON-ready values, in the documented key order."""
    return indicator.model_dump(mode="json")
