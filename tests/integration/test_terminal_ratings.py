"""What a person at the terminal says about an answer, and what is kept of it."""

from __future__ import annotations

import pytest

from bot.testing import CTRL_C, converse
from bot.types import RatingReason, RatingValue
from tests.terminals import (
    MENU,
    QUESTION,
    RIGHT_ANSWER,
    Place,
)

# -- ratings


async def test_plus_rates_the_last_answer_good(here: Place) -> None:
    assert (await converse(here.bot(), QUESTION, "+"))[1] == ("+", "Thank you, noted as good.")
    rating = here.rating()
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.UP, None)


@pytest.mark.parametrize(
    ("typed", "thanks", "reason", "corrections"),
    [
        (
            "- 3 Five days.",
            "Thank you, noted as not good (bad wording). Your answer is kept for an admin to approve.",
            RatingReason.BAD_WORDING,
            ["Five days."],
        ),
        (
            "- bad wording: Five days.",
            "Thank you, noted as not good (bad wording). Your answer is kept for an admin to approve.",
            RatingReason.BAD_WORDING,
            ["Five days."],
        ),
        ("- 2", "Thank you, noted as not good (wrong source).", RatingReason.WRONG_SOURCE, []),
        (
            "- outdated: It takes three days now.",
            "Thank you, noted as not good (out of date). Your answer is kept for an admin to approve.",
            RatingReason.OUT_OF_DATE,
            ["It takes three days now."],
        ),
        (
            "- wrong： It takes three days: no more.",
            "Thank you, noted as not good (other). Your answer is kept for an admin to approve.",
            RatingReason.OTHER,
            ["It takes three days: no more."],
        ),
        (
            "- other people are told five days.",
            "Thank you, noted as not good. Your answer is kept for an admin to approve.",
            None,
            ["other people are told five days."],
        ),
        (
            "- It takes five days.",
            "Thank you, noted as not good. Your answer is kept for an admin to approve.",
            None,
            ["It takes five days."],
        ),
    ],
)
@pytest.mark.parametrize("interactive", [True, False])
async def test_a_minus_with_more_on_its_line_asks_nothing(
    here: Place, typed: str, thanks: str, reason: RatingReason | None, corrections: list[str], *, interactive: bool
) -> None:
    dialogue = await converse(here.bot(), QUESTION, typed, interactive=interactive)
    assert dialogue[1][1].removeprefix(f"> {typed}\n") == thanks
    rating = here.rating()
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, reason)
    assert here.corrections() == corrections


@pytest.mark.parametrize(
    ("after", "heard", "reason", "corrections"),
    [
        (
            ["3", "Five days."],
            [
                ("3", RIGHT_ANSWER),
                (
                    "Five days.",
                    "Thank you, noted as not good (bad wording). Your answer is kept for an admin to approve.",
                ),
            ],
            RatingReason.BAD_WORDING,
            ["Five days."],
        ),
        (
            ["Out of date", ""],
            [("Out of date", RIGHT_ANSWER), ("", "Thank you, noted as not good (out of date).")],
            RatingReason.OUT_OF_DATE,
            [],
        ),
        (
            ["It takes five days."],
            [
                (
                    "It takes five days.",
                    "Thank you, noted as not good (other). Your answer is kept for an admin to approve.",
                )
            ],
            RatingReason.OTHER,
            ["It takes five days."],
        ),
        (
            [CTRL_C, CTRL_C],
            [(CTRL_C, RIGHT_ANSWER), (CTRL_C, "Thank you, noted as not good.")],
            None,
            [],
        ),
        ([], [], None, []),
    ],
)
async def test_a_bare_minus_asks_why_and_for_the_right_answer(
    here: Place,
    after: list[str],
    heard: list[tuple[str, str]],
    reason: RatingReason | None,
    corrections: list[str],
) -> None:
    dialogue = await converse(here.bot(), QUESTION, "-", *after)
    assert dialogue[1][1].startswith(MENU)
    assert dialogue[2 : 2 + len(heard)] == heard
    rating = here.rating()
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, reason)
    assert here.corrections() == corrections


async def test_a_bare_minus_in_a_pipe_asks_nothing(here: Place) -> None:
    dialogue = await converse(here.bot(), QUESTION, "-", "+", interactive=False)
    assert dialogue[1:] == [
        ("-", "> -\nThank you, noted as not good."),
        ("+", "> +\nThank you, noted as good."),
    ]
    rating = here.rating()
    assert rating is not None
    assert rating.value is RatingValue.UP


async def test_a_line_that_only_starts_with_a_minus_is_a_question(here: Place) -> None:
    await converse(here.bot(), "-5 degrees?")
    assert here.last().question == "-5 degrees?"
