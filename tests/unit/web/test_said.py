"""The dashboard has a text for everything that it may have to name."""

from __future__ import annotations

import pytest

from adapters.types import Stage
from bot.learning.types import ALL_TASKS, Cause, Verdict
from bot.origins import Origin
from bot.store.schema import RunState
from bot.texts import languages, say
from bot.types import Scope
from bot.web.dashboard.runs import DAYS
from training.report import PARTS
from training.schedule import DAYS as PLANNED

NAMES = (
    *(f"learn-is-{stage}" for stage in Stage),
    *(f"came-{stage}" for stage in Stage),
    *(f"came-{verdict.name.lower().replace('_', '-')}" for verdict in Verdict),
    *(f"part-{part.replace(' ', '-')}" for part in PARTS),
    *(f"cause-{cause}" for cause in Cause),
    *(f"run-state-{state}" for state in RunState),
    *(f"task-gloss-{task}" for task in ALL_TASKS),
    *(f"scope-{scope}" for scope in Scope),
    *(f"origin-{origin}" for origin in Origin if origin is not Origin.DEFAULT),
    *(f"day-{day}" for day in DAYS),
)


@pytest.mark.parametrize("language", languages())
def test_whatever_is_named_by_its_kind_has_a_name_in_every_language(language: str) -> None:
    assert all(say(name, language) for name in NAMES)


def test_the_days_of_the_form_are_those_of_a_plan() -> None:
    assert DAYS == PLANNED
