"""Addresses as every document and header may carry them: URIs (RFC 3986), of ASCII only.

What people and pages write is often more: a host in its own script, a space, a bracket. Browsers put up with it;
validators, strict readers and HTTP headers do not.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_to_bytes

import idna

from publisher.model.base import xml_legal

# RFC 3986, appendix B: it takes any text apart, and loses nothing of it.
_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
# What most addresses are: a URI as it stands, with a host of ASCII.
_PCHAR = r"[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}"
_PLAIN = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.-]+(?::[0-9]*)?(?:/(?:{_PCHAR})*)?(?:\?(?:{_PCHAR}|\?)*)?(?:#(?:{_PCHAR}|\?)*)?"
)
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_IP_LITERAL = re.compile(r"\[[0-9A-Fa-fv.:%~_-]+\]")
# Browsers drop tabs and line breaks in URLs (WHATWG URL, "remove all ASCII tab or newline").
_BREAKS = str.maketrans("", "", "\t\r\n")

# What no URI holds as it is, though people write it: letters outside ASCII, and "<>[\\]^`{|}.
_NEVER_BARE = re.compile("(?:%[89A-F][0-9A-F])+|%(?:22|3C|3E|5[B-E]|60|7[B-D])", re.IGNORECASE)

_SUB_DELIMS = "!$&'()*+,;="
_PATH = f"{_SUB_DELIMS}:@/"
_QUERY = f"{_PATH}?"

MOST_HOST = 255
"""Characters of a host name (RFC 1035 section 2.3.4); what is longer is no name, and none is made of it."""


def on_one_line(address: str) -> str:
    """An address without what browsers drop from it: tabs, line breaks, and white space at its ends."""
    return xml_legal(address).translate(_BREAKS).strip()


def uri(text: str) -> str:
    """The URI that an address means: its host as punycode (UTS 46), every other character outside ASCII and all that
    RFC 3986 does not allow where it stands as percent-escapes of its UTF-8.

    Escapes that are there stay, and a URI is its own answer. It never fails: what is no address is escaped as a path.
    """
    if _PLAIN.fullmatch(text):
        return text
    found = _PARTS.fullmatch(on_one_line(text))
    assert found is not None
    scheme, authority, path, query, fragment = found.groups()
    return "".join(
        (
            f"{scheme}:" if scheme else "",
            f"//{_authority(authority)}" if authority is not None else "",
            _escaped(path, _PATH),
            f"?{_escaped(query, _QUERY)}" if query is not None else "",
            f"#{_escaped(fragment, _QUERY)}" if fragment is not None else "",
        )
    )


def iri(address: str) -> str:
    """The address as people write it (RFC 3987 section 3.2): the inverse of :func:`uri` but for spaces."""
    found = _PARTS.fullmatch(address)
    assert found is not None
    scheme, authority, path, query, fragment = found.groups()
    rest = "".join((path, f"?{query}" if query is not None else "", f"#{fragment}" if fragment is not None else ""))
    start = (f"{scheme}:" if scheme else "") + (f"//{own_host(authority)}" if authority is not None else "")
    return start + _NEVER_BARE.sub(_unescaped, rest)


def own_host(host: str) -> str:
    """A host name in its own script, as far as it is one; with its port, if it has one."""
    labels = host.split(".")
    return ".".join(_own_label(label) for label in labels)


def _own_label(label: str) -> str:
    name, colon, port = label.partition(":")
    if not name.startswith("xn--"):
        return label
    try:
        return name[4:].encode().decode("punycode") + colon + port
    except UnicodeError:
        return label


def _unescaped(found: re.Match[str]) -> str:
    try:
        return unquote_to_bytes(found[0]).decode()
    except UnicodeDecodeError:
        return found[0]


def _authority(text: str) -> str:
    user, at, rest = text.rpartition("@")
    # A colon inside the brackets of an IPv6 address parts nothing.
    ends = rest.rfind("]") + 1
    host, colon, port = rest[:ends] + rest[ends:].partition(":")[0], *rest[ends:].partition(":")[1:]
    return f"{_escaped(user, _SUB_DELIMS + ':')}{at}{ascii_host(host)}{colon}{_escaped(port, '')}"


def ascii_host(host: str) -> str:
    """A host name as DNS has it; an IP address in brackets and a name of ASCII stay as they are.

    As browsers do, by UTS 46 without the registries' rules (WHATWG URL, "domain to ASCII"): they let a name of emoji
    pass, and so do the registries that sell it. What even that forbids is percent-escaped.
    """
    if _IP_LITERAL.fullmatch(host):
        return host
    name = unquote(host) if "%" in host else host
    if name.isascii() or len(name) > MOST_HOST:
        return _escaped(host, _SUB_DELIMS)
    try:
        labels = idna.uts46_remap(name, std3_rules=False).split(".")
    except idna.IDNAError:
        return _escaped(host, _SUB_DELIMS)
    return _escaped(".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels), "")


def _escaped(text: str, allowed: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=f"{allowed}%")
