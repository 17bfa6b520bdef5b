"""Expressions: what may be written, and where it is wrong."""

from __future__ import annotations

import sys

import pytest

from publisher.selection import expression
from publisher.selection.expression import LONGEST, NoExpressions, NotAnExpression, compiled


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "column 1"),
        ("data.title ==", "column 14"),
        ('data.title ==\n "x" &&', "line 2, column 8"),
        ("titel == 'x'", "column 1: undeclared reference to 'titel'; there are type, timestamp, id, seq"),
        ("data.title.contains(1)", "column 20"),
        ("data.topics.exists(x, x == 'emas')", "'exists' is left out"),
        ("data.topics.all(x, x == 'emas')", "'all' is left out"),
        ("data.topics.exists_one(x, x == 'emas')", "'exists_one' is left out"),
        ("data.topics.map(x, x) == []", "'map' is left out"),
        ("data.topics.filter(x, true) == []", "'filter' is left out"),
        ("data.body.matches('(a+)+$')", "'matches' is left out"),
        ("data.title + data.title == ''", "'+' is left out"),
        ("[1] + [2] == []", "'+' is left out"),
        ("'a'", "must be true or false of an event; this is of the type string"),
        ("[true]", "must be true or false"),
        ("true" + " " * LONGEST, f"may have {LONGEST} characters, not {LONGEST + 4}"),
        ("(" * 200 + "true" + ")" * 200, "recursion"),
        ("true\x00", "a character that cannot be seen"),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(text: str, says: str) -> None:
    with pytest.raises(NotAnExpression) as refused:
        compiled(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_may_be_written_is_read_again_and_again_as_the_same() -> None:
    assert compiled("has(data.title) ? true : change == 'left'") is compiled(
        "has(data.title) ? true : change == 'left'"
    )


def test_without_what_evaluates_them_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    expression._environment.cache_clear()
    compiled.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
    monkeypatch.setattr(expression, "cel", expression.later("cel_expr_python.cel"))
    try:
        with pytest.raises(NoExpressions, match=r"publisher\[cel\]"):
            compiled("true")
    finally:
        expression._environment.cache_clear()
