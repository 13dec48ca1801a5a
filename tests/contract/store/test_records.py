from __future__ import annotations

from bot.store.people import Person
from bot.store.records import AuditEntry
from bot.store.store import Store
from bot.types import Role
from tests.stores import NOON, FakeClock, accepted


def test_people_are_found_by_both_ids_and_keep_their_role(store: Store) -> None:
    ada = accepted(store, sender="U1", sender_name="Ada").user_id
    accepted(store, sender="U2", sender_name="Grace")
    expected = Person(id=ada, platform="slack", platform_user_id="U1", name="Ada", role=Role.USER)
    assert store.people.get(ada) == expected
    assert store.people.by_platform("slack", "U1") == expected
    assert store.people.by_platform("telegram", "U1") is None
    assert [person.name for person in store.people.list()] == ["Ada", "Grace"]
    assert store.people.set_role(ada, Role.OWNER) is True
    assert store.people.set_role(99, Role.OWNER) is False
    accepted(store, sender="U1")
    person = store.people.get(ada)
    assert person is not None
    assert person.role is Role.OWNER, "a new message must not take a role away"


def test_the_audit_trail_gives_its_last_entries_oldest_first(store: Store, clock: FakeClock) -> None:
    for number in range(3):
        clock.move(minutes=1)
        store.audit.record(actor="slack:U1", action="ingest", place=f"slack:C{number}", detail=f"文件 {number}")
    last = store.audit.tail(2)
    assert [entry.detail for entry in last] == ["文件 1", "文件 2"]
    assert last[1] == AuditEntry(
        id=last[1].id, actor="slack:U1", action="ingest", place="slack:C2", detail="文件 2", at=clock.now
    )
    assert store.audit.tail(9)[0].at > NOON


def test_a_setting_is_what_was_last_written(store: Store) -> None:
    assert store.settings.get("last_run") is None
    store.settings.set("last_run", "a")
    store.settings.set("last_run", "b")
    assert store.settings.get("last_run") == "b"
