"""How far an ingest is, as it is said."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.base import Call
from bot.commands.knowledge import Steps
from bot.store.people import Person
from bot.types import Role, StoredMessage
from tests.stores import message


def test_each_quarter_is_said_once_in_one_growing_line() -> None:
    told: list[str] = []
    person = Person(id=1, platform="slack", platform_user_id="U1", name="Ada", role=Role.ADMIN)
    stored = StoredMessage(id=1, conversation_id=1, user_id=1, message=message())
    steps = Steps(replace(Call(stored=stored, person=person, language="en", arguments=""), tell=told.append))
    for done in (0, 3, 10, 10, 30, 39, 40):
        steps.note(done, 40)
    steps.note(5, 0)
    assert told == ["Taking it in …", "Taking it in … 25 % …", "Taking it in … 25 % … 75 % …"]
