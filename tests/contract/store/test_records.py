from __future__ import annotations

from datetime import timedelta

from bot.store.people import Person
from bot.store.records import AuditEntry, AuditFilter
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


def test_entries_are_found_by_who_what_and_when_the_newest_first(store: Store, clock: FakeClock) -> None:
    for actor, action in (("slack:U1", "grant"), ("web:ada", "refused: grant"), ("slack:U1", "ingest")):
        store.audit.record(actor=actor, action=action)
        clock.move(minutes=10)

    def found(wanted: AuditFilter, **page: int) -> list[str]:
        return [one.action for one in store.audit.search(wanted, **{"limit": 9, **page})]

    assert found(AuditFilter()) == ["ingest", "refused: grant", "grant"]
    assert found(AuditFilter(actor="slack:U1")) == ["ingest", "grant"]
    assert found(AuditFilter(action="grant")) == ["refused: grant", "grant"], "also who was refused it"
    assert found(AuditFilter(refused=True)) == ["refused: grant"]
    assert found(AuditFilter(action="ingest", refused=True)) == []
    second = NOON + timedelta(minutes=10)
    assert found(AuditFilter(since=second)) == ["ingest", "refused: grant"]
    assert found(AuditFilter(until=second)) == ["grant"]
    newest = store.audit.search(AuditFilter(), limit=1)
    assert [one.action for one in newest] == ["ingest"]
    assert found(AuditFilter(), before=newest[0].id) == ["refused: grant", "grant"]
    assert store.audit.actors() == ("slack:U1", "web:ada")
    assert store.audit.actions() == ("grant", "ingest")
