"""Whatever a text holds, taking its fingerprint takes time in step with its length."""

from typing import Any

import pytest
from support.effort import QUADRATIC, growth

from publisher.changes import article_fingerprint
from publisher.changes.fingerprint import canonical_article


@pytest.mark.parametrize(
    "piece",
    ["1 jam,", "1 jam ", "1 hour, ", "il y a 1 h, ", "vor 1 jam ", "a ", "1", "<", "< ", "<a ", "-a1", "_12345678.",
     "http://a/?", "&#9", "&amp;", "1 jam\u00a0, , , "],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{} lalu", '<p>{}</p><img src="http://x/{}.jpg">'])
def test_the_effort_grows_with_the_length_alone(piece: str, around: str) -> None:
    def make(size: int) -> dict[str, Any]:
        text = piece * (size // len(piece))
        return {"title": f"{text}lalu", "body": around.replace("{}", text)}

    assert growth(make, article_fingerprint) < QUADRATIC


def test_a_text_of_counts_is_furniture_up_to_the_seven_units_there_are() -> None:
    def body(text: str) -> str:
        return str(canonical_article({"body": f"<p>{text}</p>"})["body"])

    assert body("1 hour, 2 minutes, 3 seconds ago") == "<p></p>"
    assert body("1 hour, " * 6 + "1 minute ago") == "<p></p>"
    assert body("Dua jam") == "<p>Dua jam</p>"


def test_an_angle_bracket_in_a_text_or_an_attribute_parts_nothing() -> None:
    body = '<p>a > b &lt;i&gt;</p> <img alt="c > 1 jam lalu" src="http://x/1.jpg"> <p>c &lt;d</p>'
    told = '<p>a &gt; b &lt;i&gt;</p><img alt="c &gt; 1 jam lalu" src="http://x/1.jpg"><p>c &lt;d</p>'
    assert canonical_article({"body": body})["body"] == told
