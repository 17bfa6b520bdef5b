"""The nouns as frozen, validated values. One file per noun; the shapes here are what the API and webhooks carry."""

from publisher.model.article import Article, Attachment, Image, Related, article_json, identity_id
from publisher.model.event import CHANGE_COUNTS_AS, Change, Event, EventType, Match
from publisher.model.feed import FeedDefinition, Selection
from publisher.model.indicator import Indicator, IndicatorSpec, indicator_json
from publisher.model.key import Key, Role
from publisher.model.options import Options
from publisher.model.source import SourceState
from publisher.model.subscription import (
    Attempt,
    Cause,
    Delivery,
    DeliveryState,
    Filter,
    Subscription,
    SubscriptionState,
)

__all__ = [
    "CHANGE_COUNTS_AS",
    "Article",
    "Attachment",
    "Attempt",
    "Cause",
    "Change",
    "Delivery",
    "DeliveryState",
    "Event",
    "EventType",
    "FeedDefinition",
    "Filter",
    "Image",
    "Indicator",
    "IndicatorSpec",
    "Key",
    "Match",
    "Options",
    "Related",
    "Role",
    "Selection",
    "SourceState",
    "Subscription",
    "SubscriptionState",
    "article_json",
    "identity_id",
    "indicator_json",
]
