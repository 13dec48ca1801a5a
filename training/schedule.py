"""When training is due (pure). Times of day are the team's own: aware, in the team's zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from training.errors import TrainingError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_RATINGS: Final = 100_000

_EXAMPLES: Final = "off, daily 03:00, weekly sun 03:00 or after 50 ratings"
_DAILY = re.compile(r"daily\s+(\S+)")
_WEEKLY = re.compile(r"weekly\s+(\S+)\s+(\S+)")
_AFTER = re.compile(r"after\s+(\d+)(?:\s+ratings?)?")
_SPAN = re.compile(r"(\S+?)\s*[-\u2013]\s*(\S+)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Fault(StrEnum):
    """What is wrong with a plan."""

    PLAN = "plan"  # all of it
    TIME = "time"
    DAY = "day"
    COUNT = "count"


class NoPlanError(TrainingError):
    """It is no plan.

    Attributes:
        fault: What is wrong with it.
        given: The part that is wrong.
    """

    def __init__(self, fault: Fault, given: str) -> None:
        what = {
            Fault.PLAN: "no plan",
            Fault.TIME: "no time of the day, 00:00 to 23:59",
            Fault.DAY: f"no day, one of {', '.join(DAYS)}",
            Fault.COUNT: f"no number of ratings, 1 to {MOST_RATINGS:,}",
        }[fault]
        super().__init__(f"{given!r} is {what}; expected {_EXAMPLES}.")
        self.fault = fault
        self.given = given


class PlanKind(StrEnum):
    """How it is told that training is due."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"
    AFTER = "after"  # so many ratings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When to train; fields that a kind has no use for stay as they are."""

    kind: PlanKind
    at: time = time(3)
    day: int = 6  # 0: Monday
    ratings: int = 0  # 1 to MOST_RATINGS

    @property
    def text(self) -> str:
        """As `plan_of` reads it."""
        at = f"{self.at:%H:%M}"
        return {
            PlanKind.OFF: "off",
            PlanKind.DAILY: f"daily {at}",
            PlanKind.WEEKLY: f"weekly {DAYS[self.day]} {at}",
            PlanKind.AFTER: f"after {self.ratings} ratings",
        }[self.kind]


def plan_of(text: str) -> Plan:
    """Read a plan as an admin writes it.

    Raises:
        NoPlanError: It is none.
    """
    words = " ".join(text.lower().split())
    if words == "off":
        return Plan(kind=PlanKind.OFF)
    if found := _DAILY.fullmatch(words):
        return Plan(kind=PlanKind.DAILY, at=_time(found[1]))
    if found := _WEEKLY.fullmatch(words):
        return Plan(kind=PlanKind.WEEKLY, day=_day(found[1]), at=_time(found[2]))
    if found := _AFTER.fullmatch(words):
        return Plan(kind=PlanKind.AFTER, ratings=_count(found[1]))
    raise NoPlanError(Fault.PLAN, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which no run begins by itself; over midnight where the end is before the beginning."""

    begin: time
    end: time

    def holds(self, now: datetime) -> bool:
        """Whether a time lies within them; the end does not."""
        at = now.timetz().replace(tzinfo=None)
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def quiet_of(text: str) -> Quiet | None:
    """Read quiet hours, "08:00-18:00"; None for "".

    Raises:
        TrainingError: They are none.
    """
    if not text.strip():
        return None
    found = _SPAN.fullmatch(text.strip())
    times = [_TIME.fullmatch(part) for part in found.groups()] if found else []
    if len(times) == 2 and times[0] and times[1]:  # noqa: PLR2004 - a beginning and an end
        begin, end = (time(int(one[1]), int(one[2])) for one in (times[0], times[1]))
        return Quiet(begin=begin, end=end)
    raise TrainingError(f"{text!r} are no hours of a day; expected such as 08:00-18:00.")


def last_moment(plan: Plan, now: datetime) -> datetime | None:
    """The last time up to now at which a daily or weekly plan was due; None for the others."""
    if plan.kind not in {PlanKind.DAILY, PlanKind.WEEKLY}:
        return None
    moment = now.replace(hour=plan.at.hour, minute=plan.at.minute, second=0, microsecond=0)
    if plan.kind is PlanKind.WEEKLY:
        moment -= timedelta(days=(now.weekday() - plan.day) % 7)
    if moment > now:
        moment -= timedelta(days=1 if plan.kind is PlanKind.DAILY else 7)
    return moment


def due(plan: Plan, *, now: datetime, since: datetime | None, new_ratings: int, quiet: Quiet | None) -> bool:
    """Whether a run should begin by itself.

    Args:
        plan: When to train.
        now: In the team's zone.
        since: When the last run began; None if there was none.
        new_ratings: Given since then; without any there is nothing new to learn.
        quiet: Hours in which none begins; what became due in them is due at their end.
    """
    if plan.kind is PlanKind.OFF or not new_ratings or (quiet is not None and quiet.holds(now)):
        return False
    if plan.kind is PlanKind.AFTER:
        return new_ratings >= plan.ratings
    moment = last_moment(plan, now)
    return moment is not None and (since is None or since < moment)


def _time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise NoPlanError(Fault.TIME, text)
    return time(int(found[1]), int(found[2]))


def _day(text: str) -> int:
    if text[:3] not in DAYS or not text.isalpha():
        raise NoPlanError(Fault.DAY, text)
    return DAYS.index(text[:3])


def _count(text: str) -> int:
    if not 1 <= int(text) <= MOST_RATINGS:
        raise NoPlanError(Fault.COUNT, text)
    return int(text)
