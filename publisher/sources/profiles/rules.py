"""The selectors and patterns of a profile, as messages quote them."""

from __future__ import annotations

from publisher.sources.profiles.profile import HtmlProfile, Profile, TextProfile


def rules_of(profile: Profile, name: str) -> str:
    """Those that look for ``[article] title``, ``[article] body`` or ``[ticker] rows``; empty where none does."""
    found: list[str | None] = []
    if isinstance(profile, HtmlProfile):
        if name == "[ticker] rows" and profile.ticker:
            found = [profile.ticker.rows]
        elif name == "[article] title" and profile.article:
            found = [rule.select for rule in profile.article.title]
        elif name == "[article] body" and profile.article:
            found = list(profile.article.body.select)
    elif isinstance(profile, TextProfile):
        if name == "[ticker] rows" and profile.ticker:
            found = [profile.ticker.row]
        elif name == "[article] title" and profile.article:
            found = [rule.pattern or rule.after or rule.before for rule in profile.article.title]
        elif name == "[article] body" and profile.article:
            found = [*profile.article.body.after, *profile.article.body.start]
    return ", ".join(f'"{one}"' for one in found if one)
