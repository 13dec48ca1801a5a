"""The figures of the dashboard's first page, and where the pieces of its charts stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.store.overview import Day, Totals
from bot.web.dashboard.charts import HEIGHT, TOP, WIDTH, bars_of, shares_of
from bot.web.dashboard.figures import Figure, Measured, figures_of, quantile, span_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)
DAY = timedelta(days=1)


def day(number: int, *, answered: int = 0, abstained: int = 0, handed: int = 0, up: int = 0, down: int = 0) -> Day:
    return Day(
        start=MIDNIGHT + number * DAY, answered=answered, abstained=abstained, handed_off=handed, up=up, down=down
    )


def measured(
    *seconds: float, questions: int = 0, answered: int = 0, rated: int = 0, up: int = 0, down: int = 0
) -> Measured:
    totals = Totals(
        questions=questions,
        answered=answered,
        abstained=questions - answered,
        handed_off=0,
        rated=rated,
        up=up,
        down=down,
    )
    return Measured(totals=totals, seconds=seconds)


def test_today_is_compared_with_yesterday_until_the_same_hour() -> None:
    span = span_of(1, NOON, MIDNIGHT)
    assert (span.since, span.until) == (MIDNIGHT, NOON)
    assert (span.before, span.before_until) == (MIDNIGHT - DAY, NOON - DAY)


def test_days_are_compared_with_as_many_before() -> None:
    span = span_of(7, NOON, MIDNIGHT)
    assert (span.before, span.before_until, span.since, span.until) == (
        NOON - 14 * DAY,
        NOON - 7 * DAY,
        NOON - 7 * DAY,
        NOON,
    )


def test_figures_say_what_they_are_made_of_and_how_they_changed() -> None:
    now = measured(1.0, 1.2, 9.0, questions=10, answered=9, rated=3, up=3, down=1)
    before = measured(2.0, questions=20, answered=10, rated=10, up=1, down=9)
    shown = {one.name: one for one in figures_of(now, before, "en")}
    assert shown["Questions"] == Figure(name="Questions", value="10", change="−10 against before")
    assert shown["Answered"] == Figure(
        name="Answered", value="90 %", of="9 of 10", change="+40 points against before", verdict="better"
    )
    assert (shown["Not answered"].value, shown["Not answered"].verdict) == ("10 %", "better")
    assert (shown["Answers that were rated"].of, shown["Answers that were rated"].verdict) == ("3 of 10", "")
    liked = shown["Share of 👍"]
    assert (liked.value, liked.of) == ("75 %", "3 of 4 ratings; likely 30 to 95 %")
    assert shown["Half were answered within"].value == "1.2 s"
    assert (shown["95 % were answered within"].change, shown["95 % were answered within"].verdict) == (
        "+7.0 s against before",
        "worse",
    )


def test_without_questions_and_without_a_time_before_nothing_is_made_up() -> None:
    nothing = figures_of(measured(), measured(), "en")
    assert [one.value for one in nothing] == ["0", "–", "–", "0", "–", "–", "–", "–"]
    assert {one.change for one in nothing} == {""}
    first = figures_of(measured(1.0, questions=1, answered=1), measured(), "en")
    assert [one.value for one in first] == ["1", "100 %", "0 %", "0", "0 %", "–", "1.0 s", "1.0 s"]
    assert {one.change for one in first} == {""}


@pytest.mark.parametrize(("share", "value"), [(0.5, 5.0), (0.95, 10.0), (0.0, 1.0), (1.0, 10.0)])
def test_a_quantile_is_the_value_that_so_large_a_share_does_not_exceed(share: float, value: float) -> None:
    assert quantile([float(one) for one in range(1, 11)], share) == value


def test_a_bar_is_as_high_as_its_day_and_its_pieces_stand_on_each_other() -> None:
    chart = bars_of([day(0, answered=6, abstained=3, handed=1), day(1)])
    first, second = chart.bars
    assert [line.label for line in chart.lines] == ["0", "5", "10"]
    assert second.pieces == ()
    bottom, middle, top = first.pieces
    assert [one.kind for one in first.pieces] == ["answered", "abstained", "handed"]
    assert middle.y + middle.height == pytest.approx(bottom.y)
    assert top.y + top.height == pytest.approx(middle.y)
    assert top.y == pytest.approx(TOP), "ten of ten"
    assert bottom.height == pytest.approx(6 * top.height)
    assert bottom.y + bottom.height < HEIGHT
    assert second.x + second.width < WIDTH


def test_a_chart_without_questions_has_an_axis() -> None:
    assert [line.label for line in bars_of([day(0)]).lines] == ["0", "1"]


def test_the_share_counts_the_days_up_to_its_own_and_leaves_a_gap_where_nobody_rated() -> None:
    days = [day(0, up=1, down=1), *(day(number) for number in range(1, 8)), day(8, up=3)]
    runs = shares_of(days, 9).runs
    assert [len(run) for run in runs] == [7, 1]
    assert {one.share for one in runs[0]} == {0.5}
    (last,) = runs[1]
    assert (last.share, last.ratings) == (1.0, 3)
    assert last.y == pytest.approx(TOP)
    assert last.low < 0.5


def test_days_before_those_that_are_shown_count_for_the_first_of_them() -> None:
    (run,) = shares_of([day(0, up=1), day(1, down=1)], 1).runs
    assert [(one.share, one.ratings) for one in run] == [(0.5, 2)]


def test_the_lines_of_a_chart_are_svg_paths() -> None:
    chart = shares_of([day(0, up=1), day(1, down=1)], 2)
    (run,) = chart.runs
    assert chart.path(run).startswith("M")
    assert chart.path(run).count(" L") == 3
    assert chart.area(run).endswith(" Z")
    assert chart.area(run).count(" L") == 7


def test_a_day_by_itself_has_a_width_in_the_line_and_in_the_band() -> None:
    chart = shares_of([day(0, up=1, down=1)], 1)
    (run,) = chart.runs
    for drawn in (chart.path(run), chart.area(run)):
        places = {float(point.split()[0]) for point in drawn.strip("MZ ").split(" L")}
        assert max(places) - min(places) > 5
