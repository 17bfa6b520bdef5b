"""Taking passwords out of addresses, for whatever is shown to anyone: messages, logs, problems, pages. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HIDDEN = "***"

_END = re.compile(r"""[\s"'<>\\]""")
_AUTHORITY = re.compile(r"[^/?#]*")
# A user and a colon, but not a host and its port.
_USER = re.compile(r"[^/?#@:]*:(?!\d{1,5}(?:[/?#]|$))")
_PARAMETER = re.compile(
    r"""([?&;](?:[\w-]*(?:password|passwd|pwd|secret|token|api_?-?key|signature|credential)|sig|key|auth)="""
    r"""|\bpassword=)[^&\s"'#<>\\]+""",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """The text with each user and password before an ``@`` in an address hidden, and each parameter named like one.

    Takes time in proportion to the text, whatever it is.
    """
    if "://" in text:
        first, *rest = text.split("://")
        text = "://".join((first, *map(_without_user, rest)))
    return _PARAMETER.sub(rf"\1{HIDDEN}", text) if "=" in text else text


def _without_user(after_scheme: str) -> str:
    end = _END.search(after_scheme)
    address = after_scheme[: end.start()] if end else after_scheme
    # Passwords that were not encoded as they ought to be hold "/", "?", "#" and "@" (RFC 3986 section 3.2.1).
    within = address if _USER.match(address) else _AUTHORITY.match(address)[0]  # type: ignore[index]  # always matches
    at = within.rfind("@")
    return after_scheme if at < 0 else HIDDEN + after_scheme[at:]


# Keys that stand in paths: of Slack, Discord, Teams (long), of Telegram's bots (with a colon).
_KEY_IN_PATH = re.compile(r"(?<=/)(?:[^/]{20,}|bot[0-9]+:[^/]*)")


def endpoint(url: str) -> str:
    """As :func:`bare`, of where webhooks are sent to: parts of the path that may be keys are hidden too."""
    scheme, there, rest = bare(url).partition("://")
    return f"{scheme}{there}{_KEY_IN_PATH.sub(HIDDEN, rest)}"


def bare(url: str) -> str:
    """A URL without user, password, query and fragment: enough to tell which it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
