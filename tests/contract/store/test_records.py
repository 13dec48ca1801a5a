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


def test_words_in_entries_of_earlier_versions_are_taken_out_once_and_numbers_stay(store: Store) -> None:
    earlier = [
        ("teach", "How long? | Three days.", ""),
        ("unteach", "answer me: How long?", ""),
        ("unanswered", "drop 3, 17", "drop 3, 17"),
        ("unanswered", "answer 12", "answer 12"),
        ("correct", "answer 5: How long? | Three days.", "answer 5"),
        ("report", "approve changed correction 4: How long? | Three days.", "approve changed correction 4"),
        ("knowledge", "remove document 9: How long?", "remove document 9"),
        ("knowledge", "search how long", ""),
        ("grant", "admin to slack:U5", "admin to slack:U5"),
        ("grant", "admin to my friend Ada", ""),
        ("promote", "intent-3", "intent-3"),
    ]
    for action, detail, _ in earlier:
        store.audit.record(actor="slack:U2", action=action, detail=detail)
    with store.database.write() as connection:  # as before that version
        connection.exec_driver_sql("DELETE FROM settings WHERE key = 'audit_wordless'")
    assert store.migrate() == ()
    assert [(one.action, one.detail) for one in store.audit.tail(99)] == [(what, left) for what, _, left in earlier]
    store.audit.record(actor="slack:U2", action="teach", detail="written answer 3")
    store.migrate()
    assert store.audit.tail(1)[0].detail == "written answer 3", "later entries are left alone"


def test_old_entries_go_when_one_is_added_if_there_is_an_end_to_it(store: Store, clock: FakeClock) -> None:
    for action in ("first", "second", "third"):
        store.audit.record(actor="slack:U1", action=action)
        clock.move(minutes=10)
    assert [one.action for one in store.audit.tail(9)] == ["first", "second", "third"]
    store.audit.keep = timedelta(minutes=20)
    fourth = store.audit.record(actor="slack:U1", action="fourth")
    assert [one.action for one in store.audit.tail(9)] == ["second", "third", "fourth"], "its last moment counts"
    clock.move(minutes=60)
    assert store.audit.record(actor="slack:U1", action="fifth") > fourth, "no number is given twice"
    assert [one.action for one in store.audit.tail(9)] == ["fifth"]
