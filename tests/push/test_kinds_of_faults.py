"""What people push that is odd but not wrong, what is wrong, and that every document stays whole whatever they push."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from support.clock import ManualClock
from web.webroom import Newsroom, open_newsroom

from publisher.model.names import MAX_NAME
from publisher.storage.engine.database import Database

PATH = "/api/v1/articles"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
FORMATS = ("rss", "atom", "json")


async def put(newsroom: Newsroom, id: str = "a", **fields: Any) -> tuple[int, Any]:
    article = {"title": "Judul", "body": "<p>Isi.</p>", "topics": ["kopi"], **fields}
    answer = await newsroom.client.put(f"{PATH}/{id}", json=article, headers=newsroom.as_("editor"))
    return answer.status, await answer.json()


async def documents(newsroom: Newsroom, feed: str = "news") -> dict[str, str]:
    return {end: await (await newsroom.client.get(f"/feeds/{feed}.{end}")).text() for end in FORMATS}


@pytest.mark.parametrize(
    ("given", "tag"),
    [("in", None), ("IN-id", "id-ID"), ("en_us", "en-US"), ("ENG", "en"), ("i-klingon", "tlh"), ("zh_hans", "zh-Hans")],
)
async def test_a_language_is_published_in_its_canonical_form_and_left_out_where_it_is_the_feeds(
    one_newsroom: Newsroom, given: str, tag: str | None
) -> None:
    status, body = await put(one_newsroom, language=given)
    assert (status, body["article"]["language"]) == (201, tag or "id")
    entry = etree.fromstring((await documents(one_newsroom))["atom"].encode()).find("{*}entry")
    assert entry is not None
    assert entry.get(XML_LANG) == tag


@pytest.mark.parametrize("given", ["Bahasa Indonesia", "jp", '"><script>', "en--us", "x" * 5000, "en\u0000us-"])
async def test_what_is_no_language_is_told_and_never_published(one_newsroom: Newsroom, given: str) -> None:
    status, body = await put(one_newsroom, language=given)
    assert (status, body["article"]["language"]) == (201, None)
    assert [one["path"] for one in body["warnings"]].count("language") == 1


async def test_a_list_is_narrowed_by_language_ranges(one_newsroom: Newsroom) -> None:
    for id, language in (("a", "id"), ("b", "id-ID"), ("c", "in"), ("d", "en-GB"), ("e", "en"), ("f", "bahasa")):
        await put(one_newsroom, id, language=language)

    async def ids(query: str) -> str:
        return "".join(sorted(one["id"] for one in (await one_newsroom.get(f"{PATH}?{query}"))["articles"]))

    assert await ids("language=id") == await ids("language=IN") == "abc"
    assert await ids("language=id-id") == "b"
    assert await ids("language=en_GB") == "d"
    assert await ids("language=en") == "de"
    assert await ids("language=en-GB&language=in") == "abcd"
    assert await ids("language=*") == "abcde"
    assert await ids("language=bahasa") == await ids("language=*-CH") == ""


async def test_blank_authors_stand_in_no_document(one_newsroom: Newsroom) -> None:
    status, body = await put(one_newsroom, authors=["", "  ", "-", "\u200b", " Nadia  Putri", "nadia putri"])
    assert (status, body["article"]["authors"]) == (201, ["Nadia Putri"])
    read = await documents(one_newsroom)
    names = etree.fromstring(read["atom"].encode()).xpath("//*[local-name()='entry']//*[local-name()='name']/text()")
    assert names == ["Nadia Putri"]
    [item] = json.loads(read["json"])["items"]
    assert item["authors"] == [{"name": "Nadia Putri"}]


async def test_an_article_all_of_whose_authors_are_blank_has_none(one_newsroom: Newsroom) -> None:
    await put(one_newsroom, authors=["", "–"])
    read = await documents(one_newsroom)
    assert "dc:creator" not in read["rss"]
    assert not re.search(r"<name>\s*</name>", read["atom"])


@pytest.mark.parametrize("key", ["published", "updated"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
async def test_a_year_that_no_newsroom_writes_of_is_an_error_on_that_article(
    one_newsroom: Newsroom, key: str, moment: str
) -> None:
    status, body = await put(one_newsroom, **{key: moment})
    assert (status, [one["path"] for one in body["errors"]]) == (422, [key])
    batch = [
        {"id": "a", "title": "A", "body": "<p>x</p>", key: moment},
        {"id": "b", "title": "B", "body": "<p>x</p>"},
    ]
    answer = await one_newsroom.client.post(PATH, json=batch, headers=one_newsroom.as_("editor"))
    became = (await answer.json())["articles"]
    assert [one["outcome"] for one in became] == ["error", "new"]
    assert [one["path"] for one in became[0]["errors"]] == [f"[0].{key}"]


async def test_addresses_are_kept_and_published_as_uris(one_newsroom: Newsroom) -> None:
    address, uri = (
        "https://bücher.example/straße/[1]?ü=ö",
        "https://xn--bcher-kva.example/stra%C3%9Fe/%5B1%5D?%C3%BC=%C3%B6",
    )
    status, body = await put(
        one_newsroom,
        url=address,
        images=[{"url": address}],
        related=[{"title": "Lagi", "url": address}],
        attachments=[{"url": address, "type": "audio/mpeg", "length": 5}],
        body=f'<p>Isi <a href="{address}">lanjut</a>.</p>',
    )
    article = body["article"]
    assert status == 201
    assert [article["url"], *(article[key][0]["url"] for key in ("images", "related", "attachments"))] == [uri] * 4
    assert f'href="{uri}"' in article["body"]
    for document in (await documents(one_newsroom)).values():
        assert "bücher" not in document
        assert uri.replace("&", "&amp;") in document


@pytest.mark.parametrize("address", ["https://exa mple.com/", "https://a\\b.example/", "http://", "ftp://a.example/"])
async def test_what_is_no_address_of_the_web_is_an_error_on_that_field(one_newsroom: Newsroom, address: str) -> None:
    status, body = await put(one_newsroom, url=address)
    assert (status, [one["path"] for one in body["errors"]]) == (422, ["url"])


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("<p>Harga <del>10</del> <ins>12</ins>, <strike>b</strike> <q>kutip</q></p>", "<del>10</del> <ins>12</ins>"),
        ('<p>kode <code> src="rel.png"</code></p>', '<code> src="rel.png"</code>'),
    ],
)
async def test_text_is_what_it_was_and_markup_keeps_its_meaning(one_newsroom: Newsroom, body: str, kept: str) -> None:
    _, answer = await put(one_newsroom, url="https://example.com/a/b", body=body)
    assert kept in answer["article"]["body"]


async def test_a_summary_has_a_space_where_a_line_breaks_and_never_the_whole_text(one_newsroom: Newsroom) -> None:
    await put(one_newsroom, body=f"<ul><li>Satu<br>dua</li><li>{'RAHASIA ' * 999}</li></ul>")
    read = await documents(one_newsroom, "coffee")
    assert all("Satu dua" in document for document in read.values())
    assert all(document.count("RAHASIA") < 99 for document in read.values())


async def test_what_was_left_out_of_a_text_is_a_warning_that_names_it(one_newsroom: Newsroom) -> None:
    body = '<p><a href="/tentang">tentang</a> <a href="mailto:a@b.example">surat</a> <img src="/i.png"> x</p>'
    _, answer = await put(one_newsroom, body=body)
    told = " ".join(one["message"] for one in answer["warnings"] if one["path"] == "body")
    assert "'/tentang'" in told
    assert "'/i.png'" in told


_ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
_TAGS = st.sampled_from(
    ["in", "en_US", "zh-hans_cn", "i-klingon", "jp", "x-a", "eng-GBR", "*", '"', "<b>", "&amp;", ""]
)


@pytest.mark.parametrize("batch", range(2))
async def test_whatever_the_texts_the_answer_names_the_field_and_every_document_stays_whole(
    sqlite_db: Database, tmp_path: Path, clock: ManualClock, batch: int
) -> None:
    texts: list[dict[str, Any]] = []

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.fixed_dictionaries(
            {"title": _ANY, "language": _TAGS | _ANY, "authors": st.lists(_ANY, max_size=3), "editor": _ANY}
        )
    )
    def collect(fields: dict[str, Any]) -> None:
        texts.append(fields)

    collect()
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as newsroom:
        for number, fields in enumerate(texts):
            status, body = await put(newsroom, f"a{number}", **fields)
            assert status in (201, 422), body
            if status == 422:
                assert {fault["path"].partition("[")[0] for fault in body["errors"]} <= fields.keys()
                continue
            assert all(0 < len(name) <= MAX_NAME for name in body["article"]["authors"])
        read = await documents(newsroom)
        for end in ("rss", "atom"):
            root = etree.fromstring(read[end].encode())
            tags = {*root.xpath("//@xml:lang"), *root.xpath("//*[local-name()='language']/text()")}
            assert all(re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", tag) for tag in tags)
            assert not root.xpath("//*[local-name()='name' or local-name()='creator'][not(normalize-space())]")
