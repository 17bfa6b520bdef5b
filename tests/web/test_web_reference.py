"""``/api``: the description of the API for people."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser
from webroom import Newsroom

from publisher.model.envelope import EVENT_KINDS
from publisher.web.api.described.document import OPERATIONS


async def read(newsroom: Newsroom) -> LexborHTMLParser:
    answer = await newsroom.client.get("/api", headers={"Accept": "text/html"})
    assert (answer.status, answer.content_type) == (200, "text/html")
    return LexborHTMLParser(await answer.text())


def words(tree: LexborHTMLParser, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in tree.css(selector)]


async def test_it_shows_every_operation_with_its_parameters_and_answers(newsroom: Newsroom) -> None:
    tree = await read(newsroom)
    shown = set(words(tree, ".operation h3"))
    assert OPERATIONS.keys() <= shown
    for key, one in OPERATIONS.items():
        (article,) = tree.css(f"#{one.id}")
        text = " ".join(article.text().split())
        assert key in text
        assert all(parameter.name in text for parameter in one.parameters)
        assert all(str(status) in text for status in (*one.answers, *one.refused))
    assert "`" not in tree.css_first("main").text()


async def test_it_shows_every_type_of_event_with_an_example(newsroom: Newsroom) -> None:
    tree = await read(newsroom)
    anchors = {node.attributes.get("id") for node in tree.css(".operation")}
    assert EVENT_KINDS.keys() <= anchors
    assert '"type": "article.withdrawn"' in tree.css_first("main").text()


async def test_its_contents_lead_to_what_is_there(newsroom: Newsroom) -> None:
    tree = await read(newsroom)
    ids = {node.attributes.get("id") for node in tree.css("[id]")}
    links = [node.attributes.get("href") or "" for node in tree.css(".contents a")]
    assert len(links) > len(OPERATIONS)
    assert all(link.startswith("#") and link[1:] in ids for link in links)


async def test_nothing_of_it_comes_from_elsewhere_or_needs_a_script(newsroom: Newsroom) -> None:
    tree = await read(newsroom)
    assert tree.css("style, [style], script:not([src]), [onclick], img, iframe") == []
    for node in tree.css("script, link[rel=stylesheet]"):
        address = node.attributes.get("src") or node.attributes.get("href") or ""
        assert address.startswith("/static/")
        assert (await newsroom.client.get(address)).status == 200
    # What a script would add is hidden without it.
    assert all("hidden" in node.attributes for node in tree.css("button"))
    assert tree.css_first("meta[name=viewport]") is not None
    answer = await newsroom.client.get("/api")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")


async def test_the_front_page_leads_to_it(newsroom: Newsroom) -> None:
    front = LexborHTMLParser(await (await newsroom.client.get("/")).text())
    assert front.css_first('a[href="/api"]') is not None
