"""Query parameters that only tell where a reader came from, or let them in: the one list of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

ONCE_TRACKING = re.compile(
    r"utm_\w+|\w*clid|mc_[ce]id|igshid|_ga|_gl|ref_src|ref_url|cmpid|xtor|spm|s_cid|ncid", re.IGNORECASE
)
"""What earlier versions left out of the addresses of which they made ids; it stays as it is."""

SURELY_TRACKING = re.compile(
    r"utm_\w+|\w*clk?id|mc_[ce]id|igshid|igsh|_ga|_gl|ref_src|ref_url|cmpid|cmp|xtor|spm|s_cid|ncid|srsltid|mkt_tok"
    r"|at_\w+|mtm_\w+|pk_\w+|hsa_\w+|_hs\w+|vero_\w+|oly_\w+|ns_(?:mchannel|source|campaign|linkname|fee)\w*"
    r"|gbraid|wbraid|smid|trk|wt\.?_?mc(?:_\w+)?|ftag|guce_\w+|guccounter|gaa_\w+|__twitter_impression|fb_\w+",
    re.IGNORECASE,
)
"""Names that mean nothing else anywhere: addresses that differ by these alone are one address, and one article."""

TRACKING = re.compile(
    rf"{SURELY_TRACKING.pattern}|(?:mc_|ns_)\w*|share_?id",
    re.IGNORECASE,
)
"""Those, and names that hardly ever mean anything else: passed over where taking one for tracking costs little."""

_CAME_FROM = re.compile(r"ref|source|src|from|via|medium|origin|partner|output|format|feed|rss", re.IGNORECASE)
_FEEDS = re.compile(r"(?:rss|feed|atom|xml|json)(?:[_-]?(?:feed|rss|link|reader|20?)|[_-][\w-]*)?", re.IGNORECASE)
"""What an address that stands in a feed says of it: ``ref=rss``. With another value the same name may mean a story."""

_VOLATILE = re.compile(
    r"(?:access_?|auth_?)?token|expires?|expiry|expires_?in|sig|signature|hmac|nonce|hdnea|hdnts|key-pair-id"
    r"|x-(?:amz|goog)-[\w-]+|jsessionid|phpsessid|aspsessionid\w*|cftoken|sess(?:ion)?_?id|cachebust(?:er)?|nocache",
    re.IGNORECASE,
)
_RANDOM_NAMED = re.compile(r"sid|s|session|key|hash|auth|policy|ticket|_|cb|ts|t|rnd|rand|timestamp", re.IGNORECASE)
_RANDOM = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9]{16,}={0,2}", re.ASCII)
_STAMP_NAMED = re.compile(r"_|cb|ts|rnd|rand|timestamp", re.IGNORECASE)
_STAMP = re.compile(r"\d{9,17}(?:\.\d+)?", re.ASCII)

# A path that names no article: what does is then among the parameters.
_SCRIPT = re.compile(
    r"(?:\w{0,40}\.(?:php\d?|aspx?|jsp|cgi|do|html?|cfm|pl)|index|article|news|story|read|view|show"
    r"|detail|detil|baca|berita|artikel|post|item|)"
)
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid|cfid|cftoken)=[^/;?]*", re.IGNORECASE)


def without_tracking(
    path: str, pairs: Sequence[tuple[str, str]], names: re.Pattern[str] = SURELY_TRACKING
) -> list[tuple[str, str]]:
    """The parameters of an address, each a name and a value, that say which page it is. Pure.

    Tokens and session ids change from one reading to the next. Where nothing else would say which page it is, they
    stay: then one of them may be what does.
    """
    left = [(name, value) for name, value in pairs if not (names.fullmatch(name) or _says_feed(name, value))]
    lasting = [(name, value) for name, value in left if not is_volatile(name, value)]
    return lasting if lasting or not _SCRIPT.fullmatch(path.rpartition("/")[2]) else left


def without_session(path: str) -> str:
    """A path without the session that Java servers write into it: ``/a;jsessionid=1F3``."""
    return _SESSION.sub("", path) if ";" in path else path


def is_volatile(name: str, value: str) -> bool:
    """Whether a parameter lets somebody in or keeps a cache out, and so is another each time."""
    if _VOLATILE.fullmatch(name):
        return True
    if _STAMP_NAMED.fullmatch(name) and _STAMP.fullmatch(value):
        return True
    return _RANDOM_NAMED.fullmatch(name) is not None and _RANDOM.fullmatch(value) is not None


def _says_feed(name: str, value: str) -> bool:
    return _CAME_FROM.fullmatch(name) is not None and _FEEDS.fullmatch(value) is not None
