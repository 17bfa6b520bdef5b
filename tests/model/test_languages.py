"""Language tags: what people write, the one form that is kept, and the ranges that take them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.model.languages import canonical_tag, language_ranges, range_of


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("id", "id"),
        ("ID", "id"),
        ("in", "id"),
        ("in-ID", "id-ID"),
        ("iw", "he"),
        ("ji", "yi"),
        ("jw", "jv"),
        ("mo", "ro"),
        ("eng", "en"),
        ("ind", "id"),
        ("ger", "de"),
        ("deu-AUT", "de-AT"),
        ("zho-Hant-TWN", "zh-Hant-TW"),
        ("en_US", "en-US"),
        ("EN_us", "en-US"),
        ("en-USA", "en-US"),
        ("en-UK", "en-GB"),
        ("de-DD", "de-DE"),
        ("zh_hans_cn", "zh-Hans-CN"),
        ("sr-LATN-rs", "sr-Latn-RS"),
        ("es-419", "es-419"),
        ("id_ID.UTF-8", "id-ID"),
        ("de_DE@euro", "de-DE"),
        (" fr ", "fr"),
        ("sr_RS@latin", "sr-Latn-RS"),
        ("en-EN", "en"),
        ("uk-UK", "uk"),
        ("uk-UA", "uk-UA"),
        ("sq-XK", "sq-XK"),
        ("en-EU", "en-EU"),
        ("zh-yue", "yue"),
        ("zh-CHN", "zh-CN"),
        ("zh-mnp", "mnp"),
        ("ar-EGY", "ar-EG"),
        ("zh-cmn-hans", "cmn-Hans"),
        ("ms-zsm", "zsm"),
        ("i-klingon", "tlh"),
        ("I-LUX", "lb"),
        ("no-bok", "nb"),
        ("no", "no"),
        ("sgn-US", "ase"),
        ("en-gb-oed", "en-GB-oxendict"),
        ("i-default", "i-default"),
        ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
        ("de-1901", "de-1901"),
        ("en-b-foo-a-bar", "en-a-bar-b-foo"),
        ("th-u-ca-buddhist-x-RUMAH", "th-u-ca-buddhist-x-rumah"),
        ("x-rumah", "x-rumah"),
        ("gsw", "gsw"),
        ("fil-PH", "fil-PH"),
    ],
)
def test_a_language_is_written_in_one_way(written: str, tag: str) -> None:
    assert canonical_tag(written) == tag


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "-", "english", "Bahasa Indonesia", "indonesian", "jp", "zz", "b", "1", "en-", "-en", "en--US",
        "en,id", "en;q=0.9", "en US", "en-a", "en-x", "en-1996-1996", "en-a-bb-a-cc", "en-toolongasubtag", "ｅｎ",
        "é", "id\x00", "en-" + "-".join(["abcde"] * 40), "<b>", 'en"', "POSIX", "en-abc-def-ghi-jkl", "xx-yyy",
    ],
)  # fmt: skip
def test_what_is_no_language_is_none(written: str) -> None:
    assert canonical_tag(written) is None


_SUBTAG = st.one_of(
    st.sampled_from(
        ["in", "eng", "zho", "zh", "ID", "Hans", "guoyu", "x", "u", "a", "419", "1901", "rozaj", "min", "bok"]
    ),
    st.text("abcxyz019", min_size=1, max_size=9),
)


@given(st.lists(_SUBTAG, min_size=1, max_size=6).map("-".join) | st.text(max_size=12))
@example("zho-guoyu")
@example("sgn-aar")
def test_a_canonical_tag_is_its_own_form_and_can_stand_in_any_document(text: str) -> None:
    tag = canonical_tag(text)
    if tag is not None:
        assert re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", tag)  # XML Schema, xs:language
        assert canonical_tag(tag) == tag
        assert canonical_tag(tag.upper()) == tag


def test_a_tag_is_in_the_ranges_that_begin_it_subtag_by_subtag() -> None:
    assert language_ranges("zh_Hans_CN") == {"zh-hans-cn", "zh-hans", "zh", "*"}
    assert language_ranges("in") == {"id", "*"}
    assert "e" not in language_ranges("en-GB")


def test_what_names_no_language_is_in_no_range() -> None:
    assert language_ranges(None) == language_ranges("") == language_ranges("bahasa") == frozenset()


@pytest.mark.parametrize(
    ("written", "range_"),
    [("*", "*"), ("in", "id"), ("en_gb", "en-gb"), ("EN", "en"), ("*-CH", None), ("bahasa", None), ("", None)],
)
def test_a_range_is_a_tag_or_a_star(written: str, range_: str | None) -> None:
    assert range_of(written) == range_
