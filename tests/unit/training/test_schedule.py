from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from training.errors import TrainingError
from training.schedule import Plan, PlanKind, Quiet, due, last_moment, plan_of, quiet_of

BERLIN = ZoneInfo("Europe/Berlin")
THURSDAY = datetime(2026, 11, 26, 14, 30, tzinfo=BERLIN)
NIGHTLY = Plan(kind=PlanKind.DAILY, at=time(3))
OFFICE = Quiet(begin=time(8), end=time(18))


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("off", Plan(kind=PlanKind.OFF)),
        ("daily 3:05", Plan(kind=PlanKind.DAILY, at=time(3, 5))),
        ("  Weekly  Sunday 23:59", Plan(kind=PlanKind.WEEKLY, day=6, at=time(23, 59))),
        ("after 50 ratings", Plan(kind=PlanKind.AFTER, ratings=50)),
        ("after 1", Plan(kind=PlanKind.AFTER, ratings=1)),
    ],
)
def test_a_plan_is_read_as_people_write_it_and_said_so_that_it_reads_the_same(text: str, plan: Plan) -> None:
    assert plan_of(text) == plan
    assert plan_of(plan.text) == plan


@pytest.mark.parametrize(
    "text", ["", "daily", "daily 25:00", "weekly foo 03:00", "after 0", "after -3", "monthly 03:00"]
)
def test_what_is_no_plan_is_refused_with_examples(text: str) -> None:
    with pytest.raises(TrainingError, match="weekly sun 03:00"):
        plan_of(text)


def test_quiet_hours_may_go_over_midnight_and_end_before_their_end() -> None:
    night = quiet_of("22:00-06:30")
    assert night == Quiet(begin=time(22), end=time(6, 30))
    assert [night.holds(THURSDAY.replace(hour=hour, minute=30)) for hour in (21, 22, 0, 6, 12)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert [OFFICE.holds(THURSDAY.replace(hour=hour, minute=0)) for hour in (7, 8, 17, 18)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert quiet_of(" ") is None
    with pytest.raises(TrainingError, match="08:00-18:00"):
        quiet_of("8 to 18")


def test_the_last_moment_of_a_plan_lies_at_or_before_now() -> None:
    weekly = Plan(kind=PlanKind.WEEKLY, day=3, at=time(14, 30))
    assert last_moment(weekly, THURSDAY) == THURSDAY
    assert last_moment(weekly, THURSDAY - timedelta(minutes=1)) == THURSDAY - timedelta(days=7)
    assert last_moment(Plan(kind=PlanKind.WEEKLY, day=4, at=time(9)), THURSDAY) == datetime(
        2026, 11, 20, 9, tzinfo=BERLIN
    )
    assert last_moment(NIGHTLY, THURSDAY) == THURSDAY.replace(hour=3, minute=0)
    assert last_moment(Plan(kind=PlanKind.AFTER, ratings=5), THURSDAY) is None


def test_a_nightly_run_is_due_once_a_night_and_only_with_something_new() -> None:
    yesterday = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # 03:00 in Berlin
    assert due(NIGHTLY, now=THURSDAY, since=yesterday, new_ratings=1, quiet=None)
    assert due(NIGHTLY, now=THURSDAY, since=None, new_ratings=1, quiet=None)
    assert not due(NIGHTLY, now=THURSDAY, since=yesterday + timedelta(days=1), new_ratings=1, quiet=None)
    assert not due(NIGHTLY, now=THURSDAY, since=yesterday, new_ratings=0, quiet=None)
    assert not due(Plan(kind=PlanKind.OFF), now=THURSDAY, since=None, new_ratings=9, quiet=None)


def test_what_becomes_due_in_quiet_hours_is_due_at_their_end() -> None:
    noon = Plan(kind=PlanKind.DAILY, at=time(12))
    began = THURSDAY - timedelta(days=1)
    assert not due(noon, now=THURSDAY, since=began, new_ratings=1, quiet=OFFICE)
    assert due(noon, now=THURSDAY.replace(hour=18, minute=0), since=began, new_ratings=1, quiet=OFFICE)


def test_after_so_many_ratings_means_so_many_new_ones() -> None:
    plan = Plan(kind=PlanKind.AFTER, ratings=50)
    assert not due(plan, now=THURSDAY, since=None, new_ratings=49, quiet=None)
    assert due(plan, now=THURSDAY, since=THURSDAY, new_ratings=50, quiet=None)
