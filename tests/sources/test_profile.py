"""Profiles as files."""

from pathlib import Path

import pytest

from publisher.errors import ConfigErrors, ReadError
from publisher.sources.profiles.profile import HtmlProfile, load_profile, profile_names

GOOD = """kind = "html"
base_url = "https://contoh.id/"
locale = "id"
timezone = "Asia/Jakarta"
language = "id"
{}
[article]
title = "h1"
{}
[article.body]
select = "article"
{}
"""


def load(home: Path, text: str) -> HtmlProfile:
    folder = home / "config" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contoh.toml").write_text(text)
    profile = load_profile("contoh", home)
    assert isinstance(profile, HtmlProfile)
    return profile


def test_the_shipped_profiles_can_be_read(tmp_path: Path) -> None:
    assert {"kontan", "kontan-text"} <= set(profile_names(tmp_path))
    for name in profile_names(tmp_path):
        assert load_profile(name, tmp_path).digest


def test_an_installations_own_profile_comes_before_the_shipped_one(tmp_path: Path) -> None:
    shipped = load_profile("kontan", tmp_path)
    folder = tmp_path / "config" / "profiles"
    folder.mkdir(parents=True)
    (folder / "kontan.toml").write_text(GOOD.format("", "", ""))
    own = load_profile("kontan", tmp_path)
    assert own.base_url == "https://contoh.id/"
    assert own.digest != shipped.digest


def test_a_profile_that_does_not_exist_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r'there is no profile "kontna" in config/profiles; did you mean "kontan"\?'):
        load_profile("kontna", tmp_path)


@pytest.mark.parametrize("name", ["../kontan", "a/b", "", ".hidden", "kontan.toml"])
def test_a_profiles_name_cannot_lead_to_another_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="there is no profile"):
        load_profile(name, tmp_path)


@pytest.mark.parametrize(
    ("top", "article", "body", "key", "said"),
    [
        ("bas_url = 1", "", "", "bas_url", 'did you mean "base_url"?'),
        ('date_order = "md"', "", "", "date_order", "should be 'locale', 'dmy', 'mdy' or 'ymd'"),
        ('zones = {WKT = "7"}', "", "", "zones", 'write it as "+07:00"'),
        ("", 'tittle = "h1"', "", "article.tittle", 'did you mean "title"?'),
        ("", 'section = "div["', "", "section", "is no CSS selector"),
        ("", "dateline = '('", "", "article.dateline", "is no regular expression"),
        ("", "dateline = '(a+)+$'", "", "article.dateline", "repeats a repetition"),
        ("", "dateline = '(?:x|a*b)*'", "", "article.dateline", "repeats a repetition"),
        ("", f"dateline = '{'a' * 1001}'", "", "article.dateline", "at most 1000 characters"),
        ("", "", 'end_coment = "x"', "article.body.end_coment", 'did you mean "end_comment"?'),
        ("", "", "junk_text = ['(']", "article.body.junk_text", "is no regular expression"),
        ("", 'summary = {select = "p", atribute = "x"}', "", "atribute", 'did you mean "attribute"?'),
    ],
)
def test_each_fault_of_a_profile_names_the_file_the_key_and_what_would_be_right(
    top: str, article: str, body: str, key: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, GOOD.format(top, article, body))
    [error] = caught.value.errors
    assert error.file == "config/profiles/contoh.toml"
    assert key in (error.key or "")
    assert said in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "kind: is missing"),
        ('kind = "xml"', 'kind: "xml" is no kind of profile; write "html" for pages or "text" for text dumps'),
        ('kind = ["html"]', "is no kind of profile"),
        (
            'kind = "html"\nbase_url = "contoh.id"\nlocale = "xx"\ntimezone = "Asia/Jakart"\nlanguage = "id"\n',
            "is no absolute",
        ),
        (GOOD.format("", "", "").partition("[article]")[0], "reads nothing"),
        (GOOD.format("", "", "").replace('"https://contoh.id/"', '"ftp://contoh.id/"'), "is no absolute http or https"),
        (GOOD.format("", "", "").replace('locale = "id"', 'locale = "klingon"'), "is no known locale"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)


def test_all_faults_of_a_profile_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, 'kind = "html"\nbase_url = "contoh.id"\nlocale = "xx"\ntimezone = "x"\n')
    assert {error.key for error in caught.value.errors} == {"base_url", "locale", "timezone", "language"}
