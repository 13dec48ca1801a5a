from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.store.sessions import LINK_VALID_FOR
from bot.store.store import Store
from bot.types import Role
from tests.stores import FakeClock

DAYS = 7


@pytest.fixture
def ada(store: Store) -> int:
    return store.people.meet("web", "ada", "Ada").id


def test_a_cookie_names_its_session_until_it_is_over_or_ended(store: Store, ada: int, clock: FakeClock) -> None:
    session, cookie = store.sessions.begin(ada, logged_in=True, days=DAYS)
    assert store.sessions.find(cookie) == session
    assert (session.user_id, session.logged_in) == (ada, True)
    assert store.sessions.find(cookie + "x") is None
    assert store.sessions.find("") is None
    clock.now += timedelta(days=DAYS)
    assert store.sessions.find(cookie) is None


def test_ending_one_session_leaves_others_and_ending_all_leaves_none(store: Store, ada: int) -> None:
    (_, first), (_, second) = (store.sessions.begin(ada, logged_in=True, days=DAYS) for _ in range(2))
    link = store.sessions.issue_link(ada)
    grace = store.people.meet("web", "grace").id
    _, hers = store.sessions.begin(grace, logged_in=False, days=DAYS)
    store.sessions.end(first)
    assert store.sessions.find(first) is None
    assert store.sessions.find(second) is not None
    store.sessions.end_all(ada)
    assert store.sessions.find(second) is None
    assert store.sessions.use_link(link, days=DAYS) is None
    kept = store.sessions.find(hers)
    assert kept is not None
    assert kept.logged_in is False


def test_each_session_has_a_token_of_its_own_and_no_secret_is_in_the_tables(store: Store, ada: int) -> None:
    begun = [store.sessions.begin(ada, logged_in=True, days=DAYS) for _ in range(3)]
    assert len({session.csrf for session, _ in begun}) == 3
    code = store.sessions.issue_link(ada)
    _, secret = store.api_keys.issue("ci", [])
    with store.database.read() as connection:
        rows = [
            repr(row)
            for table in ("web_sessions", "login_links", "api_keys")
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - fixed names
        ]
    assert len(rows) == 5
    for hidden in (code, secret, *(cookie for _, cookie in begun)):
        assert not any(hidden in row for row in rows)


def test_a_link_logs_in_once_and_for_a_quarter_of_an_hour(store: Store, ada: int, clock: FakeClock) -> None:
    code = store.sessions.issue_link(ada)
    assert store.sessions.whose_link(code) == ada
    assert store.sessions.whose_link(code) == ada, "to look uses nothing up"
    used = store.sessions.use_link(code, days=DAYS)
    assert used is not None
    session, cookie = used
    assert (session.user_id, session.logged_in) == (ada, True)
    assert store.sessions.find(cookie) == session
    assert store.sessions.use_link(code, days=DAYS) is None
    late = store.sessions.issue_link(ada)
    clock.now += LINK_VALID_FOR
    assert store.sessions.whose_link(late) is None
    assert store.sessions.use_link(late, days=DAYS) is None


def test_of_many_who_use_a_link_at_once_one_gets_in(store: Store, ada: int) -> None:
    code = store.sessions.issue_link(ada)
    with ThreadPoolExecutor(4) as pool:
        used = list(pool.map(lambda _: store.sessions.use_link(code, days=DAYS), range(8)))
    assert sum(one is not None for one in used) == 1


def test_another_password_ends_all_sessions(store: Store, ada: int) -> None:
    assert store.sessions.password_hash("ada") is None
    store.sessions.set_password(ada, "first")
    _, cookie = store.sessions.begin(ada, logged_in=True, days=DAYS)
    store.sessions.set_password(ada, "second")
    assert store.sessions.password_hash("ada") == (ada, "second")
    assert store.sessions.find(cookie) is None
    slack = store.people.meet("slack", "ada")
    store.sessions.set_password(slack.id, "third")
    assert store.sessions.password_hash("ada") == (ada, "second"), "people of chat platforms log in by link alone"


def test_somebody_of_a_chat_platform_has_the_same_role_on_the_web_whoever_changes_it(store: Store) -> None:
    ada = store.people.meet("slack", "U1", "Ada")
    web = store.people.on_web(ada.id)
    assert web is not None
    assert (web.platform, web.platform_user_id, web.name, web.role) == ("web", "slack:U1", "Ada", Role.USER)
    store.people.set_role(ada.id, Role.ADMIN)
    again = store.people.on_web(ada.id)
    assert again is not None
    assert (again.id, again.role) == (web.id, Role.ADMIN)
    store.people.set_role(web.id, Role.TRAINER)
    assert {one.role for one in store.people.list()} == {Role.TRAINER}
    assert store.people.on_web(web.id) == store.people.get(web.id)
    assert store.people.on_web(99) is None


def test_an_owner_and_their_self_on_the_web_are_one_owner(store: Store) -> None:
    ada = store.people.meet("slack", "U1", "Ada")
    store.people.set_role(ada.id, Role.OWNER)
    web = store.people.on_web(ada.id)
    assert web is not None
    assert store.people.is_last_owner(ada.id)
    assert store.people.is_last_owner(web.id)


@pytest.mark.parametrize("on_web", [False, True])
def test_whoever_is_forgotten_is_forgotten_on_the_web_and_in_chat(store: Store, *, on_web: bool) -> None:
    ada = store.people.meet("slack", "U1", "Ada")
    web = store.people.on_web(ada.id)
    assert web is not None
    _, cookie = store.sessions.begin(web.id, logged_in=True, days=DAYS)
    other = store.people.meet("slack", "U2")
    store.people.forget(web.id if on_web else ada.id)
    assert [one.id for one in store.people.list()] == [other.id]
    assert store.sessions.find(cookie) is None


def test_with_a_higher_role_a_person_logs_in_anew_and_with_a_lower_one_stays(store: Store) -> None:
    ada = store.people.meet("slack", "U1")
    browser = store.people.on_web(ada.id)
    assert browser is not None
    _, before = store.sessions.begin(browser.id, logged_in=True, days=1)
    code = store.sessions.issue_link(browser.id)
    store.people.set_role(ada.id, Role.USER)
    assert store.sessions.find(before) is not None
    store.people.set_role(browser.id, Role.ADMIN)
    assert store.sessions.find(before) is None
    assert store.sessions.whose_link(code) is None
    _, after = store.sessions.begin(browser.id, logged_in=True, days=1)
    store.people.set_role(ada.id, Role.TRAINER)
    assert store.sessions.find(after) is not None, "what they may do is looked up with each request"
