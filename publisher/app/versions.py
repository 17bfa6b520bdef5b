"""Definitions as files give them, as a version in storage keeps them, and as a process uses them."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from publisher import __version__
from publisher.catalog import Catalog, Documents, build
from publisher.catalog.documents import FEEDS, SOURCES, dump, parse
from publisher.catalog.edits import Present
from publisher.catalog.since import needs, reads
from publisher.configfile import explain
from publisher.errors import PublisherError, StorageError
from publisher.publish import SiteInfo
from publisher.render import identity
from publisher.settings import Settings, Shared
from publisher.storage.configuration import definitions
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration.definitions import Kept, Known
from publisher.storage.engine.database import Tx


@dataclass(frozen=True, slots=True)
class Offered:
    """Definitions as files give them, with all that taking them needs.

    ``digest`` is that of the files and the shared settings, ``files`` that of the files alone; ``private`` are the
    names of the feeds that are not public; ``needs`` is the lowest version of the program that reads them.
    """

    catalog: Catalog
    shared: Shared
    digest: str
    files: str
    private: frozenset[str]
    text: str
    needs: str
    missing: bool = False
    emptied: bool = False

    @classmethod
    def of(cls, documents: Documents, shared: Shared) -> Offered:
        """Raises ConfigErrors with everything that is wrong in them."""
        catalog = build(documents)
        return cls(
            catalog,
            shared,
            digest_of(documents, shared),
            documents.digest,
            private_of(catalog),
            dump(documents),
            needs(documents),
            missing=FEEDS in documents.missing,
            emptied=SOURCES in documents.files and not documents.files[SOURCES].text.strip(),
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """The definitions that a process uses: the version of this ``number``.

    ``instead_of``: why these are not those of the files. ``problem``: why it cannot use the newer version that is in
    force (``unfit`` is its number); None if it uses the one in force.
    """

    catalog: Catalog
    shared: Shared
    site: SiteInfo
    digest: str
    number: int
    instead_of: PublisherError | None = None
    problem: str | None = None
    unfit: int = 0


def digest_of(documents: Documents, shared: Shared) -> str:
    """A digest of everything that a version holds."""
    written = orjson.dumps([documents.digest, shared.written()], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(written).hexdigest()[:32]


def private_of(catalog: Catalog) -> frozenset[str]:
    """The names of the feeds that are not public."""
    return frozenset(name for name, feed in catalog.feeds.items() if not feed.public)


def read(kept: Kept, own: Settings) -> InForce:
    """A version as this process uses it; ``own`` stands in for settings that an older release did not store.

    Raises PublisherError with the reason if this release, or this machine, cannot use it. Blocks.
    """
    known = kept.known
    if not reads(__version__, known.needs):
        raise StorageError(
            f"version {known.number} of the definitions needs publisher {known.needs} or later, and this is "
            f"{__version__}; upgrade this node"
        )
    shared = shared_of(known, own)
    documents = parse(kept.files)
    return InForce(build(documents), shared, site_info(known.site), known.digest, known.number)


def shared_of(known: Known, own: Settings) -> Shared:
    """The shared settings of a version; raises StorageError where a later release wrote them."""
    kept = {"registration": own.registration, "delivery": own.shared.delivery}
    if known.settings:
        kept = {name: known.settings.get(name, {}) for name in kept}
    site = {key: value for key, value in known.site.items() if key != "ids"}
    try:
        return Shared.model_validate({"site": site, **kept})
    except ValidationError as fault:
        one = fault.errors(include_url=False)[0]
        where = ".".join(map(str, one["loc"]))
        raise StorageError(
            f"version {known.number} of the definitions has settings of another release: {where} {explain(one, Shared)}"
        ) from fault


def settings_of(shared: Shared) -> dict[str, Any]:
    """The shared settings beside ``[site]``, JSON-ready; never empty, which tells them from those of older releases."""
    return {"registration": {}, "delivery": {}, **{k: v for k, v in shared.written().items() if k != "site"}}


def present(known: Known) -> Present:
    """A version as edits are judged by it."""
    return Present(known.number, known.digest, known.node, known.taken_at)


def ids(tx: Tx, site: Mapping[str, Any]) -> dict[str, str]:
    """The prefix of ids at each host where the installation is or was; kept with the definitions.

    A changed port or path must not give everything that was published another id.
    """
    known, url = definitions.standing(tx), site["url"]
    before = known.site["url"] if known else url
    if known is not None and "ids" in known.site:
        begun = dict(known.site["ids"])
    elif known is not None or feed_states.states(tx):  # by a release that kept nothing of ids, or of definitions
        begun = {identity.host_of(before): identity.first_beginning(before)}
    else:
        begun = {}
    return {identity.host_of(url): identity.beginning(url), **begun}


def site_info(site: Mapping[str, Any]) -> SiteInfo:
    """The site of these settings, as documents present it."""
    begun = site.get("ids", {}).get(identity.host_of(site["url"])) or identity.first_beginning(site["url"])
    return SiteInfo(site["title"], site["url"], site["language"], site["timezone"], begun)


def node_name(own: Settings) -> str:
    """The name of this node, as shown for the versions that it took."""
    return own.server.node or socket.gethostname()
