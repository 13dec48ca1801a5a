from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from bot.store.schema import SettingRow
from bot.store.store import Store
from bot.types import Role
from tests.stores import FakeClock

ROUNDS = 10  # of a race; without the lock PostgreSQL loses some of them


def role(store: Store, user_id: int) -> Role:
    person = store.people.get(user_id)
    assert person is not None
    return person.role


def test_a_code_makes_an_owner_once(store: Store) -> None:
    code = store.claims.issue()
    assert re.fullmatch(r"[A-HJKMNP-Z2-9]{4}(-[A-HJKMNP-Z2-9]{4}){2}", code)
    ada, grace = store.people.meet("slack", "U1").id, store.people.meet("slack", "U2").id
    assert store.claims.claim(ada, "AAAA-AAAA-AAAA") is False
    assert role(store, ada) is Role.USER
    assert store.claims.claim(ada, f" {code.lower().replace('-', ' ')} ") is True
    assert role(store, ada) is Role.OWNER
    assert store.claims.claim(grace, code) is False
    assert role(store, grace) is Role.USER


def test_without_a_code_there_is_nothing_to_claim(store: Store) -> None:
    ada = store.people.meet("slack", "U1").id
    for code in ("", "AAAA-AAAA-AAAA"):
        assert store.claims.claim(ada, code) is False
        assert store.claims.burn(code) is False


def test_a_code_lasts_an_hour_and_a_new_one_replaces_it(store: Store, clock: FakeClock) -> None:
    ada = store.people.meet("slack", "U1").id
    first, second = store.claims.issue(), store.claims.issue()
    assert first != second
    assert store.claims.claim(ada, first) is False
    clock.move(minutes=61)
    assert store.claims.claim(ada, second) is False
    third = store.claims.issue()
    clock.move(minutes=59)
    assert store.claims.claim(ada, third) is True


def test_a_burnt_code_is_used_up(store: Store) -> None:
    code = store.claims.issue()
    assert store.claims.burn("AAAA-AAAA-AAAA") is False
    assert store.claims.burn(code) is True
    assert store.claims.claim(store.people.meet("slack", "U1").id, code) is False


def test_four_people_who_claim_at_once_become_one_owner(store: Store) -> None:
    people = [store.people.meet("slack", f"U{number}").id for number in range(4)]
    ready = Barrier(4)

    def claim(user_id: int, code: str) -> bool:
        ready.wait()
        return store.claims.claim(user_id, code)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(ROUNDS):
            code = store.claims.issue()
            assert sorted(pool.map(claim, people, [code] * 4)) == [False] * 3 + [True]


def test_the_code_itself_lies_nowhere_in_the_store(store: Store) -> None:
    code = store.claims.issue()
    with store.database.read() as connection:
        values = " ".join(connection.execute(select(SettingRow.value)).scalars())
    assert "digest" in values
    assert code not in values
    assert code.replace("-", "") not in values
