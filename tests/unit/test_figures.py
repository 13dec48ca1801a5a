"""Numbers, quantities and dates are equal when they mean the same."""

from __future__ import annotations

import pytest

from bot.figures import figures, same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 users or 1000.0", [("1000", ""), ("1000", "")]),
        ("$49 or 49 dollars", [("49", "dollar"), ("49", "dollar")]),
        ("99.9% of 5GB", [("99.9", "percent"), ("5", "gigabyte")]),
        ("10k calls, 2 million euros", [("10000", ""), ("2000000", "euro")]),
        ("30-60 days", [("30", "day"), ("60", "day")]),
        ("five business days, twelve hours", [("5", "day"), ("12", "hour")]),
        ("one of them in one week", [("1", "week")]),
        (
            "三天内，最多30天，百分之20，十五天，2万元",
            [("20", "percent"), ("30", "day"), ("20000", "yuan"), ("3", "day"), ("15", "day")],
        ),
        ("On 2024-03-05", [("2024-3-5", "date")]),
        ("March 5, 2024 or 5th of March 2024", [("2024-3-5", "date"), ("2024-3-5", "date")]),
        ("2024年3月5日", [("2024-3-5", "date")]),
        ("v1.2.3 at 10.0.0.1 since 12:30 with a1b2", []),
        ("1. Open step 3 [2]", []),
    ],
)
def test_figures_are_read_with_their_units(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted((found.value, found.unit) for found in figures(text)) == sorted(expected)


@pytest.mark.parametrize(
    ("said", "known", "equal"),
    [
        ("30 days", "thirty days", True),
        ("30 days", "30 hours", False),
        ("30", "30 hours", True),
        ("30 days", "31 days", False),
        ("5 March", "2024-03-05", True),
        ("5 March 2023", "2024-03-05", False),
        ("3天", "3 days", True),
        ("1,000", "1000", True),
    ],
)
def test_two_figures_are_the_same_if_value_and_known_units_agree(said: str, known: str, *, equal: bool) -> None:
    assert same(figures(said)[0], figures(known)[0]) is equal
