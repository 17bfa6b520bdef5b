"""The schema. Times are microseconds since the epoch (see ``clock``); JSON is text, written by us and read by us.

Changing this file needs a migration in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared exactly INTEGER PRIMARY KEY.
Serial = BigInteger().with_variant(Integer, "sqlite")

SEATED = 2**62
"""``follows.rows_from`` of a stretch whose subscription has a seat."""

# Ordered byte by byte, as SQLite does, whatever the locale of a PostgreSQL server: a page breaks ties by it.
Code = Text().with_variant(Text(collation="C"), "postgresql")

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("bookmark", Text, nullable=False, server_default="{}"),
    Column("profile_digest", Text),
    Column("loaded", Boolean, nullable=False, server_default=text("false")),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("last_success_at", BigInteger),
    Column("last_error_at", BigInteger),
    Column("last_error", Text),
    Column("next_run_at", BigInteger),
    Column("items", Integer, nullable=False, server_default="0"),
    Column("events", Integer, nullable=False, server_default="0"),
    Column("lease", Text),
    Column("lease_until", BigInteger),
    Column("node", Text),  # the name of the node that read it last
    # By what timetable and definition next_run_at was set: where they change, it is set anew; see ingest/duetimes.py.
    Column("timing", Text),
    # All that is looked at every second, so that looking reads no rows.
    Index("ix_sources_next_run_at_lease_until_name_timing", "next_run_at", "lease_until", "name", "timing"),
)

# What of a source is refused at present; see model/refusals.py. Apart, since it changes less often than the rest.
refusals = Table(
    "refusals",
    metadata,
    Column("source", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", Code, primary_key=True),
    Column("source", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    # When it stands in a feed: its published time, else when it was first seen.
    Column("ordered_at", BigInteger, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    # When the present revision was recorded.
    Column("changed_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    # An observation that waits until the article stands still, and until when.
    Column("held_until", BigInteger),
    # The last few (fingerprint, micros) pairs, newest last, as JSON: tells an article that goes back and forth.
    Column("recent", Text, nullable=False, server_default="[]"),
    # The long ones last: SQLite reads a row from its start, so that what stands before them is read without them.
    Column("data", Text, nullable=False),
    Column("held", Text),
    # Where the values of data, and of held, came from; see model/provenance.py.
    Column("provenance", Text, nullable=False, server_default="{}"),
    Column("held_provenance", Text),
    # All that a page is chosen by, so that choosing reads no rows.
    Index("ix_articles_ordered_at_id_withdrawn_at", "ordered_at", "id", "withdrawn_at"),
    Index("ix_articles_source", "source"),
    # Partial on PostgreSQL too, by its migration; to say so here would load that dialect into every process.
    Index("ix_articles_held_until", "held_until", sqlite_where=text("held_until IS NOT NULL")),
)

# Articles whose published time has not come: in no feed, page or delivery until then. An article is here or published,
# never both.
embargoes = Table(
    "embargoes",
    metadata,
    Column("id", Code, primary_key=True),
    Column("source", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("edition", Integer, nullable=False),  # how often what waits was changed, from 1
    Column("until", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("provenance", Text, nullable=False, server_default="{}"),
    Index("ix_embargoes_until", "until"),
)

# Other ids of a source's articles; see ingest/identity.py.
aliases = Table(
    "aliases",
    metadata,
    Column("source", Text, nullable=False),
    Column("alias", Code, nullable=False),
    Column("article_id", Code, nullable=False),
    PrimaryKeyConstraint("source", "alias"),
)

# One row per selectable value of an article, folded to lower case: narrows a selection before Python judges it.
article_facets = Table(
    "article_facets",
    metadata,
    Column("facet", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("article_id", Code, nullable=False),
    PrimaryKeyConstraint("facet", "value", "article_id"),
    Index("ix_article_facets_article_id", "article_id"),
)

# One row per indicator and trading period; the newest period is the present observation.
indicators = Table(
    "indicators",
    metadata,
    Column("symbol", Code, nullable=False),
    Column("period", Code, nullable=False),  # the trading day, YYYY-MM-DD in the indicator's own time zone
    Column("source", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("symbol", "period"),
    Index("ix_indicators_period", "period"),
)

# Observations that are far from what is published, each waiting for a second one that agrees.
held_observations = Table(
    "held_observations",
    metadata,
    Column("symbol", Code, nullable=False),
    Column("source", Text, nullable=False),
    Column("held_at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("symbol", "source"),
)

OPERATIONS = "type NOT LIKE 'article.%' AND type NOT LIKE 'indicator.%'"
"""Which events are those of sources and webhooks, as an index of them is declared: a query must use the same words."""

# The log, and the outbox: what is pushed is read from here.
events = Table(
    "events",
    metadata,
    # Given out by the "log" row of cursors, in commit order and without gaps.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # Whether data and before were reduced to the id; see storage/erasure.py.
    Column("erased", Boolean, nullable=False, server_default=text("false")),
    Column("data", Text, nullable=False),
    Column("before", Text),
    Column("changed", Text, nullable=False, server_default="[]"),
    Column("quiet", Boolean, nullable=False, server_default=text("false")),
    # How many subscriptions it matched, as far as it has been fanned out; null before. Counted apart from the rows.
    Column("matched", Integer),
    Index("ix_events_subject_seq", "subject", "seq"),
    # Of sources and webhooks alone, so that finding the newest of each kind reads no articles' events. Partial on
    # PostgreSQL too, by its migration.
    Index("ix_events_operations", "source", "type", "seq", sqlite_where=text(OPERATIONS)),
)

# What a feed's documents depend on besides its definition. ``version`` rises with every change that it shows; the
# digest of a feed that was removed is empty.
feed_states = Table(
    "feed_states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("definition", Text),  # the last one, as JSON: of a removed feed too
    Column("removed_at", BigInteger),
    # The first event that those who may follow only public feeds are told of; null while it is private.
    Column("open_from", BigInteger, server_default=text("0")),
    # Whether it is not public, or was not when it was removed: then not everyone may know of it.
    Column("private", Boolean, nullable=False, server_default=text("false")),
)

# Articles that left a feed (withdrawn, or no longer selected).
tombstones = Table(
    "tombstones",
    metadata,
    Column("feed", Text, nullable=False),
    Column("article_id", Code, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "article_id"),
    Index("ix_tombstones_feed_at", "feed", "at"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("webhook", Text),  # set: it opens this webhook (its id) and nothing else
    # Whether webhooks may be registered with it at private addresses that an operator has opened.
    Column("private_networks", Boolean, nullable=False, server_default=text("false")),
    Column("last_used_at", BigInteger),  # to the hour
    # The secret that the present one replaced, while it is still taken.
    Column("previous_hash", Text),
    Column("previous_prefix", Text),
    Column("previous_until", BigInteger),
    Index("ix_keys_previous_hash", "previous_hash"),
)

# Interned: equal filters are one row, judged once per event.
filters = Table(
    "filters",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("definition", Text, nullable=False, unique=True),
    Column("expression", Boolean, nullable=False, server_default=text("false")),  # whether it has one
    # Events for which its expression could not be evaluated, and how the last of them went wrong.
    Column("errors", BigInteger, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("last_error_at", BigInteger),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("n", Serial, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("filter_id", BigInteger, ForeignKey("filters.id"), nullable=False),
    Column("format", Text, nullable=False),
    Column("description", Text),
    Column("owner", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed; see storage/access/sealing.py
    Column("state", Text, nullable=False),
    Column("reason", Text),  # set where the publisher disabled it: why, in words
    Column("from_seq", BigInteger, nullable=False),
    Column("until_seq", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("granted", Text),  # the role that it has beside those of its owner's keys
    Column("cause", Text),  # set while it is paused: "feeds" or "access"
    Column("paused_at", BigInteger),
    Column("owed", Text),  # what has still to be told of it in the log: "access", "failing" or "gone"
    # Attempts, and first attempts of deliveries, that failed since the last attempt that did not.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("first_failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", BigInteger),
    Column("last_error", Text),
    Column("last_error_at", BigInteger),
    Column("host", Text, nullable=False, server_default=""),  # of the url, see model.subscription.endpoint_host
    Column("lane", Integer, nullable=False, server_default="0"),  # see storage/subscriptions/lanes.py
    # Set while whoever sends for it has not seen yet that something is due by other means than an event.
    Column("woken_at", BigInteger),
    Column("options", Text, nullable=False, server_default="{}"),  # see model/options.py
    Column("alone", Boolean, nullable=False, server_default=false()),  # by its options: it is given no seat
    Column("history", Boolean, nullable=False, server_default=false()),  # and is sent what a later event has overtaken
    Column("runs", Integer, nullable=False, server_default="0"),  # the highest deliveries.run that was given out
    Column("credentials", Text),  # JSON: what may be shown of the secret and of what is sealed with it; null: the usual
    Column("verification", Text),  # null: not asked for; "pending": told of nothing until its endpoint echoes; "done"
    Index("ix_subscriptions_filter_id_n", "filter_id", "n"),
    Index("ix_subscriptions_owner", "owner"),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_subscriptions_owed", "owed", sqlite_where=text("owed IS NOT NULL")),
    Index("ix_subscriptions_host", "host"),
    Index("ix_subscriptions_woken_at", "woken_at", sqlite_where=text("woken_at IS NOT NULL")),
)

# Which process sends for the endpoints of a lane, and until when each process that sends is taken to be there.
lanes = Table(
    "lanes",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text),  # senders.process; null, or one that is not there: free
    # How often in a row its owner ended without giving it back while parcels up to ``mark`` (an id) were open, see
    # storage/subscriptions/crashes.py.
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("mark", BigInteger),
)
senders = Table(
    "senders",
    metadata,
    Column("process", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)

# Hosts of webhooks that have answered 2xx at least once.
hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("verified_at", BigInteger, nullable=False),
)

# Which stretch of the log a subscription follows, and by which filter; the stretches of one subscription never overlap.
# Disabling and deleting close the last one with a reason, a changed filter closes it and opens the next: so whether an
# event matches is the same however late the fan-out runs. Stretches that the fan-out has passed are taken away.
follows = Table(
    "follows",
    metadata,
    Column("subscription", BigInteger, nullable=False),  # subscriptions.n
    Column("from_seq", BigInteger, nullable=False),
    Column("until_seq", BigInteger),
    Column("filter_id", BigInteger, nullable=False),
    Column("reason", Text),  # set: what still matches here is cancelled with this reason
    # From this event on it gets a row of its own for each; those before were in parcels. SEATED while it has a seat.
    Column("rows_from", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("subscription", "from_seq"),
    # All that counting the followers of a filter reads.
    Index("ix_follows_filter_id", "filter_id", "subscription", "from_seq", "until_seq"),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_follows_rows", "filter_id", "subscription", sqlite_where=text(f"rows_from < {SEATED}")),
)

WITHOUT_SEAT = text(f"follows.rows_from < {SEATED}")
"""The condition of the index above, in its own words: by others neither engine finds it."""

# The seats of a filter in a lane, up to rosters.SIZE: ``members`` is the bitmap of those that are sent what comes next
# in the log for the fan-out, ``size`` how many they are, ``taken`` how many seats were ever given. See
# storage/subscriptions/rosters.py.
rosters = Table(
    "rosters",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("filter_id", BigInteger, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("members", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Index("ix_rosters_filter_id_lane", "filter_id", "lane"),
    # Parcels and seats name it: one that was deleted must not be given out again.
    sqlite_autoincrement=True,
)

# Whose each seat is, and for which stretch of the log (null: it still is). None is given a second time.
seats = Table(
    "seats",
    metadata,
    Column("roster", BigInteger, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("subscription", BigInteger, nullable=False),  # subscriptions.n
    Column("from_seq", BigInteger, nullable=False),
    Column("until_seq", BigInteger),
    PrimaryKeyConstraint("roster", "seat"),
    Index("ix_seats_subscription", "subscription"),
)

# What an event was to a filter, settled once: every attempt sends the same type, change and extent.
matches = Table(
    "matches",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("filter_id", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("reason", Text),  # set: it is not for them after all, and what is open of it is cancelled with this reason
    Column("held", Text),  # the removed feed that alone shows it: what is open of it stands still
    # Whether the item's full text is not for those who follow by this filter.
    Column("summary", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("seq", "filter_id"),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_matches_held", "held", sqlite_where=text("held IS NOT NULL")),
)

# An event for a subscription, unless it is a seat in a parcel: whatever failed, waits, was stopped or has no seat. See
# storage/subscriptions/deliveries.py.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("seq", BigInteger, nullable=False),
    Column("subscription", BigInteger, nullable=False),  # subscriptions.n
    Column("filter_id", BigInteger, nullable=False),  # with seq: the match whose type and change it carries
    Column("run", Integer, nullable=False, server_default="0"),  # 0: as it happened; else a resend or a replay
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # When a worker may take it: now, at the next attempt, or when its lease has run out. Null once settled.
    Column("due_at", BigInteger),
    Column("lease", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("batch", BigInteger),  # the same for those that are sent together; see storage/subscriptions/alone.py
    # Since it was last attempted to the end: how often a process ended that had taken it.
    Column("crashes", Integer, nullable=False, server_default="0"),
    UniqueConstraint("seq", "subscription", "run"),
    # What is open of each subscription. Partial on PostgreSQL too, by its migration.
    Index("ix_deliveries_open", "subscription", "due_at", sqlite_where=text("due_at IS NOT NULL")),
    Index("ix_deliveries_subscription_seq", "subscription", "seq", "run"),
    Index("ix_deliveries_replayed", "subscription", "run", "seq", sqlite_where=text("run > 0 AND due_at IS NOT NULL")),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_deliveries_suspects", "crashes", "id", sqlite_where=text("crashes > 1")),
    # What was sent again. Partial on PostgreSQL too, by its migration.
    Index("ix_deliveries_runs", "subscription", "run", "state", sqlite_where=text("run > 0")),
    # Senders name it by its id: one that was deleted must not be given out again.
    sqlite_autoincrement=True,
)

# The first attempts of one event for the members of one roster, see storage/subscriptions/parcels.py. Bitmaps are of
# seats. Open until each seat was taken by its receiver, or has ``moved`` to a row of ``deliveries``.
parcels = Table(
    "parcels",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("seq", BigInteger, nullable=False),
    Column("roster", BigInteger, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("filter_id", BigInteger, nullable=False),
    Column("members", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("moved", LargeBinary),
    Column("closed_at", BigInteger),
    Column("sent", Integer, nullable=False, server_default="0"),  # how many were delivered, once it is closed
    # Once it is closed: when the first attempt began; for each seat that did not move, in order, how much later its own
    # did (hundredths of a second) and how long it took (milliseconds), in two bytes each, all deflated; and the status,
    # in two bytes for each, or for all where they are alike; null where all are 200.
    Column("began_at", BigInteger),
    Column("times", LargeBinary),
    Column("statuses", LargeBinary),
    UniqueConstraint("roster", "seq"),
    Index("ix_parcels_seq", "seq"),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_parcels_open", "lane", "id", sqlite_where=text("closed_at IS NULL")),
    # Senders find what is new by its id: one that was deleted must not be given out again.
    sqlite_autoincrement=True,
)

# What became of seats of open parcels, a row for each batch that was settled; see storage/subscriptions/parcels.py.
journal = Table(
    "journal",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("lane", Integer, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Index("ix_journal_lane", "lane"),
    # Senders remember rows by their ids: one that was deleted must not be given out again.
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("response", Text),
    # As storage/subscriptions/exchanges.py has them: the head that was sent, without credentials, and a digest of the
    # body; the head of the answer; and the address that was connected to. Null where nothing was sent.
    Column("request", Text),
    Column("digest", Text),
    Column("answer", Text),
    Column("address", Text),
    Column("error_class", Text),  # see model.subscription.ErrorClass; null where the status says it
    PrimaryKeyConstraint("delivery_id", "number"),
)

# The last attempt of each subscription that succeeded, as far as it is known: senders write it now and then.
successes = Table(
    "successes",
    metadata,
    Column("subscription", BigInteger, primary_key=True, autoincrement=False),  # subscriptions.n
    Column("seq", BigInteger, nullable=False),
    Column("run", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Text),
    Column("request", Text),
    Column("digest", Text),
    Column("answer", Text),
    Column("address", Text),
)

# What is sent to a subscription again, event by event, as run ``run`` of it; see storage/subscriptions/replays.py.
replays = Table(
    "replays",
    metadata,
    Column("n", Serial, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("subscription", BigInteger, nullable=False),  # subscriptions.n
    Column("run", Integer, nullable=False),
    Column("only", Text, nullable=False),  # "all" or "failed"
    Column("since_seq", BigInteger, nullable=False),
    Column("until_seq", BigInteger, nullable=False),
    Column("filter_id", BigInteger, nullable=False),  # its own: what is sent is what matched it
    Column("rate", Integer, nullable=False),  # deliveries a second
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("judged", BigInteger, nullable=False),  # every event up to this one is judged
    Column("matched", BigInteger, nullable=False, server_default="0"),
    Column("made", BigInteger, nullable=False, server_default="0"),
    # How many of its rows were folded, by what had become of them.
    Column("delivered", BigInteger, nullable=False, server_default="0"),
    Column("dead", BigInteger, nullable=False, server_default="0"),
    Column("cancelled", BigInteger, nullable=False, server_default="0"),
    Column("by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("subscription", "run"),
    # Partial on PostgreSQL too, by its migration.
    Index("ix_replays_open", "n", sqlite_where=text("ended_at IS NULL")),
    sqlite_autoincrement=True,
)

# What a replay takes and has no delivery of yet.
replay_events = Table(
    "replay_events",
    metadata,
    Column("replay", BigInteger, nullable=False),  # replays.n
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("replay", "seq"),
)

# What must not begin to be sent, by whose order and why; kept as a record. See storage/subscriptions/holds.py.
holds = Table(
    "holds",
    metadata,
    Column("n", Serial, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("feed", Text),
    Column("source", Text),
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    Column("state", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_reason", Text),
    Column("ended_at", BigInteger),  # since when it holds nothing any more
    Column("cancel_until", BigInteger),  # the last event of which it is to cancel what it holds
    Column("cancelled", BigInteger, nullable=False, server_default="0"),
    Column("settled_at", BigInteger),  # since when nothing is left to be done for it
    sqlite_autoincrement=True,
)

# Mail to operators: one for an event at most. See storage/subscriptions/mails.py.
mails = Table(
    "mails",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("event", Text, nullable=False, unique=True),
    Column("body", Text, nullable=False),  # JSON: what the mail says
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("error", Text),
    Index("ix_mails_state_due_at", "state", "due_at"),
    sqlite_autoincrement=True,
)

# How many deliveries of an event were settled in each state, as far as their rows and parcels are gone. What an event
# matched is the sum of these, of its rows and of the seats in its parcels that did not move.
folded = Table(
    "folded",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("seq", "state"),
)

# The response to a request that named a key, for as long as it may be repeated. A row is written in the
# transaction of the request's effect: there is no effect without its answer.
idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the request's body
    Column("at", BigInteger, nullable=False),
    Column("status", Integer),  # null within the transaction that makes the answer
    Column("sealed", Boolean, nullable=False, server_default=text("false")),  # the answer holds a secret
    Column("headers", Text, nullable=False, server_default="{}"),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("owner", "method", "path", "key"),
    Index("ix_idempotency_at", "at"),
)

# "log": the last sequence number given out; appending locks this row, so that numbers become visible in order.
# "fanout": how far the fan-out has come; every event up to seq has its rows, and of the next one every subscription up
# to this one.
# "erasures": how often content was erased from the log; what a process read of it before is void.
# "changes": rises whenever something that a sender holds may be stopped, or goes elsewhere.
# "access": a number that rises whenever who may be told of what is another; what was judged before is judged again.
# "folded": up to which delivery (its id) nothing is left to be folded, and "folded_until" the time (microseconds) up to
# which whatever had settled is folded.
# "pruned": the last event that is not kept any more. Of those up to it only such are left as a feed still shows.
cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("subscription", BigInteger, nullable=False),
)

# One row: whose database this is, a proof of the key that its secrets are sealed with, and the log's generation, which
# is random, and another one once numbers of the log may be given out anew (restore, transfer). A database without the
# row is new, or the half of a copy: it is copied last. See storage/configuration/installation.py.
installation = Table(
    "installation",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),  # 1
    Column("id", Text, nullable=False),
    Column("proof", LargeBinary),
    Column("generation", Text, nullable=False, server_default=""),
    # JSON: the generations before, oldest first, each with the last event that it has in common with the next.
    Column("earlier", Text, nullable=False, server_default="[]"),
)

# The definitions of an installation, version by version; what runs is that of the highest ``number``.
definitions = Table(
    "definitions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    # JSON: the feeds in force, when those came that came lately, and when those went that went; see catalog/guard.py.
    Column("standing", Text, nullable=False),
    Column("site", Text, nullable=False),  # JSON
    # JSON: the text of each file by its name, see catalog/documents.py; empty where it is so old that only its digest
    # is kept.
    Column("files", Text, nullable=False),
    # JSON: the settings that hold for all nodes, beside ``site``: [registration], and [delivery] schedule and timeout.
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("needs", Text, nullable=False, server_default=""),  # the lowest version of the program that can read it
    Column("node", Text, nullable=False, server_default=""),  # that offered it
    Column("seq", BigInteger, nullable=False, server_default="0"),  # the last event that was recorded by those before
    Index("ix_definitions_digest", "digest"),
)

# The processes that run on this database, and when each was last heard of by the database's clock.
nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),  # random, of one process
    Column("name", Text, nullable=False),  # of the node: [server] node, or the machine's
    Column("roles", Text, nullable=False),  # separated by commas
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),  # of the program
    Column("definitions", BigInteger, nullable=False),  # the number of those that it goes by
    Column("problem", Text),  # why it goes by no newer ones
    Column("clock_offset", BigInteger, nullable=False, server_default="0"),  # microseconds that its clock is ahead
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# Files that ``publisher apply`` offers to a running service, and the result.
offers = Table(
    "offers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),  # the service that they are offered to
    Column("digest", Text, nullable=False),
    Column("force", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("answer", Text),  # JSON; null before
    Index("ix_offers_service", "service"),
)

# When each job of ``maintenance`` was last done, by which node, and what it did, as JSON; ``ended_at`` is null while it
# is being done.
maintenance = Table(
    "maintenance",
    metadata,
    Column("job", Text, primary_key=True),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("node", Text, nullable=False),
    Column("did", Text, nullable=False),
)
