"""Every word that the pages say of themselves, in one place. Content is in its own language, and so are its dates."""

from __future__ import annotations

from types import MappingProxyType

LANGUAGE = "en"

TEXTS = MappingProxyType(
    {
        "skip": "Skip to content",
        "front_nav": "On the front page",
        "ticker": "Market indicators",
        "observed": "Observed",
        "as_of": "As of",
        "up": "up",
        "down": "down",
        "flat": "unchanged",
        "latest": "Latest",
        "latest_none": "Nothing has been published yet. Articles show here as soon as a source brings the first one.",
        "feeds": "Feeds",
        "feeds_lead": "Copy an address into any feed reader. Every format of a feed has the same items.",
        "feeds_none": "There are no public feeds. Add a file to feeds/ and it shows here.",
        "copy_button": "Copy",
        "copied": "Copied",
        "copy_label": "Copy the {format} address of {title}",
        "copy_code": "Copy the commands",
        "holds_articles": "articles",
        "holds_indicators": "indicators",
        "holds_operations": "operations",
        "webhooks": "Webhooks",
        "webhooks_lead": (
            "Be told of each change within seconds of it, signed after the Standard Webhooks specification and sent "
            "again until your endpoint answers with a 2xx."
        ),
        "webhooks_key": "Make a key, where the publisher runs",
        "webhooks_register": "Register your endpoint",
        "webhooks_answer": (
            "The answer holds the webhook's id and its signing secret, which is shown once. A POST to "
            "{path} sends a first signed event to try it with."
        ),
        "api": "Read it as JSON",
        "api_lead": "What public feeds show is open to read without a key.",
        "api_articles": "Articles, newest first",
        "api_indicators": "Each indicator's newest observation",
        "api_events": "The log of what changed",
        "api_reference": "Every operation, and every type of event",
        "reference": "The API",
        "reference_lead": (
            "JSON over HTTP. What public feeds show is open to anyone; pushing, and webhooks, take a key."
        ),
        "reference_key": "Send a key as",
        "reference_contents": "Operations",
        "reference_role": "Takes a key with the role `{role}` or above.",
        "reference_parameters": "Parameters",
        "reference_body": "Body",
        "reference_answers": "Answers",
        "reference_refusals": "Errors, as application/problem+json",
        "reference_types": "Types of events",
        "reference_types_lead": "What webhooks are sent and the log holds. Fields may be added to a version.",
        "reference_version": "version {n}",
        "reference_schema": "JSON Schema",
        "reference_example": "Example",
        "in_query": "in the query",
        "in_path": "in the path",
        "in_header": "header",
        "follow": "Follow this feed",
        "follow_reader": "In a feed reader",
        "follow_reader_how": (
            "Paste an address below, or this page's own: readers find the feeds by themselves. An article that is "
            "corrected keeps its id, so a reader updates it in place."
        ),
        "follow_poll": "From a program",
        "follow_poll_how": (
            "Ask with If-None-Match and the ETag you were last given: an unchanged feed answers 304 and sends nothing."
        ),
        "follow_push": "By webhook",
        "follow_push_how": "Each change to this feed is posted to your endpoint, signed.",
        "shows_full": "full text",
        "shows_summary": "summaries",
        "shows_newest": "newest {n}",
        "feed_items": "Items in this feed",
        "feed_empty": "This feed has no items yet. Subscribe now and the first one arrives as it is published.",
        "select_sections": "section",
        "select_topics": "topic",
        "select_authors": "author",
        "select_editors": "editor",
        "select_agencies": "agency",
        "select_languages": "language",
        "select_symbols": "symbol",
        "column_symbol": "Symbol",
        "column_value": "Value",
        "column_change": "Change",
        "column_percent": "Per cent",
        "column_time": "Time",
        "by": "By",
        "agency": "Agency",
        "editor": "Editor",
        "published": "Published",
        "updated": "Updated",
        "first_seen": "First seen",
        "original": "Read it at {host}",
        "summary_only": "Only a summary of this article is published here.",
        "attachments": "Recordings and files",
        "related": "Related",
        "topics": "Topics",
        "in_feeds": "In these feeds",
        "as_json": "This article as JSON",
        "photo": "Photo",
        "not_found": "There is no such page",
        "not_found_article": "There is no article under this address, or no public feed shows it.",
        "not_found_here": "Nothing is published under this address.",
        "not_found_feed": "There is no public feed of this name.",
        "bad_query": "This address takes no parameters",
        "bad_query_why": "Leave out what stands behind the question mark.",
        "gone": "This article was withdrawn",
        "gone_why": "Its publisher took it back. Feeds no longer carry it, and those who follow them were told.",
        "gone_feed": "This feed was removed",
        "gone_feed_why": "It is published no more. Webhooks that followed nothing else were told.",
        "back": "Back to the front page",
    }
)
