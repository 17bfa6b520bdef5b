"""What an installation's files define, and how their faults are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.effort import QUADRATIC, growth

from publisher import catalog
from publisher.errors import ConfigErrors

ROOT = Path(__file__).parents[2]

SOURCE = """
[[source]]
name = "desk"
kind = "folder"
path = "inbox"
"""

INDICATOR = """
[[indicator]]
symbol = "USD/IDR"
slug = "usd-idr"
name = "Dolar"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(
        tmp_path, {"config/sources.toml": SOURCE, "config/indicators.toml": INDICATOR, "feeds/news.toml": 'title = "N"'}
    )
    return tmp_path


def write(home: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


def faults(home: Path, files: Mapping[str, str]) -> list[str]:
    write(home, files)
    with pytest.raises(ConfigErrors) as caught:
        catalog.load(home)
    return [str(error) for error in caught.value.errors]


def test_a_source_that_says_no_pace_is_read_every_minute(home: Path) -> None:
    (source,) = catalog.load(home).sources
    assert (source.name, source.kind.kind, source.every, source.cron) == ("desk", "folder", 60, None)
    assert source.backfill == "quiet"


def test_a_source_is_read_at_its_pace_or_by_a_cron_line(home: Path) -> None:
    other = SOURCE.replace("desk", "daily") + 'cron = "30 6 * * 1-5"'
    write(home, {"config/sources.toml": SOURCE + 'every = "5m"\n' + other})
    often, daily = catalog.load(home).sources
    assert (often.every, often.cron) == (300, None)
    assert (daily.every, daily.cron) == (None, "30 6 * * mon,tue,wed,thu,fri")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("* * * * *", "* * * * *"),
        ("*/20 0-6/3 1,15 jan *", "0,20,40 0,3,6 1,15 1 *"),
        ("0 0 * * 0", "0 0 * * sun"),
        ("0 0 * * 7", "0 0 * * sun"),
        ("0 0 * * 5-7", "0 0 * * fri,sat,sun"),
        ("50/5 0 * * sat", "50,55 0 * * sat"),
        ("0 0 29-31 2 *", "0 0 29,30,31 2 *"),
        ("0 0 31 2,3 *", "0 0 31 2,3 *"),
    ],
)
def test_a_cron_line_counts_weekdays_from_sunday(home: Path, line: str, meant: str) -> None:
    write(home, {"config/sources.toml": f'{SOURCE}cron = "{line}"'})
    assert catalog.load(home).sources[0].cron == meant


@pytest.mark.parametrize(
    "line", ["hourly", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "* * * * mo", "1, * * * *"]
)
def test_a_cron_line_that_is_none_is_refused(home: Path, line: str) -> None:
    (fault,) = faults(home, {"config/sources.toml": f'{SOURCE}cron = "{line}"'})
    assert fault.startswith("config/sources.toml:6: source[1].cron: ")


def test_how_a_source_is_read_has_a_digest_that_its_pace_is_no_part_of(home: Path) -> None:
    def digest(text: str) -> str:
        write(home, {"config/sources.toml": text})
        return catalog.load(home).sources[0].profile_digest

    assert digest(SOURCE) == digest(SOURCE + 'every = "5s"') != digest(SOURCE.replace("inbox", "outbox"))


def test_every_fault_of_every_file_is_told_at_once(home: Path) -> None:
    found = faults(
        home,
        {
            "config/sources.toml": """
[[source]]
name = "Desk 1"
kind = "foldr"
every = "10 minutes"

[[source]]
name = "desk"
kind = "folder"
path = "inbox"
profil = "kontan"
every = "5s"
cron = "* * * * *"

[[source]]
name = "desk"
kind = "folder"
path = "inbox"
profile = "kontan-txt"

[[source]]
name = "api"
kind = "folder"
path = "inbox"
""",
            "config/indicators.toml": INDICATOR * 2 + INDICATOR.replace("USD/IDR", "EUR/IDR"),
            "feeds/broken.toml": 'title = "B"\nlimit = = 5',
            "feeds/news.toml": 'title = "N"\nlimit = 0\ncontents = "full"',
            "feeds/Top Stories.toml": 'title = "T"',
            "feeds/desk.toml": 'title = "D"\nitems = "indicators"\n'
            '[select]\nsources = ["Desk", "deks"]\nsymbols = ["usd/idr", "USD/IRD"]',
        },
    )
    assert found == [
        'config/indicators.toml:8: indicator[2].symbol: "USD/IDR" is defined twice',
        'config/indicators.toml:14: indicator[3].slug: "usd-idr" is also that of USD/IDR',
        'config/sources.toml:3: source[1].name: "Desk 1" is no name; take up to 64 of a-z, 0-9, "-" and "_", '
        "a letter or digit first",
        'config/sources.toml:5: source[1].every: "10 minutes" is no duration; write it as "5s", "5m", "2h" or "1d"',
        'config/sources.toml:4: source[1].kind: "foldr" is no kind; did you mean "folder"?',
        'config/sources.toml:13: source[2].cron: stands beside "every"; a source has one of the two',
        'config/sources.toml:11: source[2].profil: is not a known key of the kind "folder"; did you mean "profile"?',
        'config/sources.toml:19: source[3].profile: there is no profile "kontan-txt" in config/profiles; '
        'did you mean "kontan-text"?',
        'config/sources.toml:22: source[4].name: "api" is the built-in source of what is pushed; take another name',
        'feeds/Top Stories.toml: "Top Stories" cannot stand in a URL; name the file "top-stories.toml"',
        "feeds/broken.toml:2: is no valid TOML: Invalid value (column 9)",
        'feeds/desk.toml:4: select.sources: "deks" is no known source; did you mean "desk"?',
        'feeds/desk.toml:5: select.symbols: "USD/IRD" is no known symbol; did you mean "USD/IDR"?',
        "feeds/news.toml:2: limit: 0 should be greater than or equal to 1",
        'feeds/news.toml:3: contents: is not a known key; did you mean "content"?',
    ]


def test_a_feed_is_not_blamed_for_a_file_of_sources_that_cannot_be_read(home: Path) -> None:
    (fault,) = faults(
        home, {"config/sources.toml": "[[source]\n", "feeds/desk.toml": 'title = "D"\nselect.sources = ["desk"]'}
    )
    assert fault.startswith("config/sources.toml:1: is no valid TOML: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('items = "indicators"\nselect.topics = ["a"]', "select.topics: would take nothing: indicators have no topics"),
        (
            'items = "articles"\nselect.symbols = ["USD/IDR"]',
            "select.symbols: would take nothing: articles have no symbols",
        ),
        (
            'items = "articles"\nlanguage = "Bahasa"',
            'language: "Bahasa" is no language tag; write it as "id" or "en-GB"',
        ),
    ],
)
def test_a_feed_that_could_hold_nothing_or_not_be_valid_is_a_fault(home: Path, text: str, fault: str) -> None:
    assert faults(home, {"feeds/news.toml": f'title = "N"\n{text}'}) == [f"feeds/news.toml:3: {fault}"]


@pytest.mark.parametrize("blank", ["", "  ", "\\u200b", "\\u00a0", "\\u2800", "\\n"])
@pytest.mark.parametrize(
    ("file", "text", "at"),
    [
        ("feeds/news.toml", 'title = "{}"', "feeds/news.toml:1: title: "),
        ("config/indicators.toml", INDICATOR.replace("Dolar", "{}"), "config/indicators.toml:5: indicator[1].name: "),
        (
            "config/indicators.toml",
            INDICATOR + 'names = {{ en = "{}" }}\n',
            "config/indicators.toml:6: indicator[1].names.en: ",
        ),
    ],
)
def test_a_name_in_which_there_is_nothing_to_see_is_a_fault(
    home: Path, file: str, text: str, at: str, blank: str
) -> None:
    [fault] = faults(home, {file: text.format(blank)})
    assert fault.startswith(at)
    assert "empty" in fault


@pytest.mark.parametrize("range_", ["*-CH", "bahasa", "jp"])
def test_a_feed_cannot_select_a_language_that_there_is_not(home: Path, range_: str) -> None:
    text = f'title = "N"\nselect.languages = ["in", "*", "en_GB", "{range_}"]'
    assert faults(home, {"feeds/news.toml": text}) == [
        f'feeds/news.toml:2: select.languages: "{range_}" is no language; write it as "id" or "en-GB", "*" for any'
    ]


def test_of_a_long_list_of_unknown_names_twenty_are_told(home: Path) -> None:
    chosen = ", ".join(f'"x{number}"' for number in range(5000))
    found = faults(home, {"feeds/news.toml": f'title = "N"\nselect.sources = [{chosen}]'})
    assert len(found) == 21
    assert found[-1] == "feeds/news.toml:2: select.sources: 4980 more are not known"


def test_of_a_file_full_of_control_characters_twenty_are_told(home: Path) -> None:
    text = "\n".join(f'k{number} = "\\u0000"' for number in range(1000))
    found = faults(home, {"feeds/news.toml": text})
    assert found[0] == "feeds/news.toml:1: k0: holds U+0000, a control character; take it out"
    assert len(found) == 20


def test_all_files_together_have_a_limit_of_bytes(home: Path) -> None:
    long = 'title = "N"\n#' + "x" * 1_000_000
    found = faults(home, {f"feeds/f{number}.toml": long for number in range(5)})
    assert found == ["feeds/f4.toml: is one too many; all files have at most 4,194,304 bytes"]


def test_a_feed_may_select_what_is_pushed(home: Path) -> None:
    write(home, {"feeds/pushed.toml": 'title = "P"\nselect.sources = ["api"]'})
    assert catalog.load(home).feeds["pushed"].select.sources == ("api",)


def test_two_sources_of_one_name_are_a_fault(home: Path) -> None:
    (fault,) = faults(home, {"config/sources.toml": SOURCE * 2})
    assert fault == 'config/sources.toml:8: source[2].name: "desk" is defined twice'


def test_a_table_of_another_name_is_a_fault(home: Path) -> None:
    (fault,) = faults(home, {"config/sources.toml": SOURCE.replace("[[source]]", "[[sources]]")})
    assert fault == 'config/sources.toml:2: sources: is not a known key; each source is a table headed "[[source]]"'


def test_one_table_where_there_are_several_is_a_fault(home: Path) -> None:
    (fault,) = faults(home, {"config/sources.toml": SOURCE.replace("[[source]]", "[source]")})
    assert fault == 'config/sources.toml:2: source: is no list of tables; head each with "[[source]]"'


def test_a_feed_cannot_name_itself(home: Path) -> None:
    (fault,) = faults(home, {"feeds/news.toml": 'name = "top"\ntitle = "N"'})
    assert fault == "feeds/news.toml:1: name: is not a key here; a feed is named by its file"


@pytest.mark.parametrize("kind", ["no_such_module:Source", "pathlib:Path", "publisher.sources.base:Nothing"])
def test_a_kind_of_ones_own_that_cannot_be_used_is_told(home: Path, kind: str) -> None:
    (fault,) = faults(home, {"config/sources.toml": SOURCE.replace('"folder"', f'"{kind}"')})
    assert fault.startswith(f'config/sources.toml:4: source[1].kind: "{kind}" cannot be used: ')


def test_a_kind_of_ones_own_that_crashes_when_imported_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crashing_kind.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    (fault,) = faults(home, {"config/sources.toml": SOURCE.replace('"folder"', '"crashing_kind:Source"')})
    assert fault.endswith('"crashing_kind:Source" cannot be used: division by zero')


def test_an_installation_without_indicators_of_its_own_knows_those_that_ship(home: Path) -> None:
    (home / catalog.INDICATORS).unlink()
    assert list(catalog.load(home).indicators) == [
        "EMAS", "USD/IDR", "IDX", "KOMPAS100", "LQ45", "ISSI", "IDX30", "IDXHIDIV20", "IDX80", "IDXV30", "IDXQ30",
    ]  # fmt: skip


def test_the_repository_is_an_installation() -> None:
    found = catalog.load(ROOT)
    assert {"news", "komoditas", "indicators", "usd-idr"} <= set(found.feeds)
    assert found.feeds["usd-idr"].select.symbols == ("USD/IDR",)


def test_the_repositorys_indicators_are_those_that_ship() -> None:
    assert (ROOT / catalog.INDICATORS).read_text() == catalog.REGISTRY.read_text()


@pytest.mark.parametrize(
    "table",
    [
        pytest.param('[[source]]\nname = "s{0}"\nkind = "foldr"\npaht = "x"\nevery = 5\n', id="wrong keys and values"),
        pytest.param('[[source]]\nname = "s{0}"\nkind = "folder"\npath = "x"\nprofile = "own"\n', id="a wrong profile"),
        pytest.param('[[source]]\nname = "s{0}"\nkind = "folder"\npath = "x"\nprofile = "s{0}"\n', id="no profile"),
    ],
)
def test_the_effort_grows_with_the_number_of_faulty_sources_alone(home: Path, table: str) -> None:
    write(home, {"config/profiles/own.toml": 'kind = "html"\nbase_url = "x"\n'})

    def make(size: int) -> str:
        return "\n".join(table.format(number) for number in range(size // 200))

    def check(text: str) -> None:
        assert faults(home, {"config/sources.toml": text})

    assert growth(make, check) < QUADRATIC


def test_looking_for_a_name_among_very_many_is_bounded_and_lists_only_the_first(home: Path) -> None:
    sources = "".join(f'[[source]]\nname = "s{n}"\nkind = "folder"\npath = "x"\n' for n in range(60))
    select = ", ".join(f'"q{n}"' for n in range(3))
    feed = f'title = "A"\n[select]\nsources = [{select}]'
    told = faults(home, {"config/sources.toml": sources, "feeds/a.toml": feed})
    assert [line.endswith("s25 and 41 more") for line in told] == [True] * 3


def test_of_very_many_faults_in_one_table_a_hundred_are_told(home: Path) -> None:
    keys = "\n".join(f"key{number} = 1" for number in range(5_000))
    told = faults(home, {"feeds/news.toml": f'title = "N"\n{keys}'})
    assert len(told) == 101
    assert "has 4,900 more faults" in told[-1]
