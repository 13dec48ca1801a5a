from __future__ import annotations

from datetime import timedelta

from bot.store.store import Store
from bot.types import Scope
from tests.stores import FakeClock


def test_a_key_is_found_by_its_secret_until_it_is_revoked(store: Store) -> None:
    key, secret = store.api_keys.issue("website", [Scope.CHAT, Scope.METRICS], requests_per_minute=9)
    assert secret.startswith("bk-")
    assert (key.name, key.scopes, key.requests_per_minute) == ("website", frozenset({Scope.CHAT, Scope.METRICS}), 9)
    found = store.api_keys.find(secret)
    assert found is not None
    assert found.id == key.id
    assert store.api_keys.find(f"{secret}x") is None
    assert store.api_keys.find("") is None
    assert store.api_keys.revoke(key.id) is True
    assert store.api_keys.find(secret) is None
    assert store.api_keys.revoke(key.id) is False, "it is revoked already"
    assert store.api_keys.revoke(99) is False


def test_the_list_shows_when_a_key_was_used_to_the_minute(store: Store, clock: FakeClock) -> None:
    _, secret = store.api_keys.issue("a", [Scope.CHAT])
    store.api_keys.issue("b", [])
    assert [one.used_at for one in store.api_keys.list()] == [None, None]
    store.api_keys.find(secret)
    first = store.api_keys.list()[0].used_at
    assert first is not None
    store.api_keys.find(secret)
    assert store.api_keys.list()[0].used_at == first
    clock.now += timedelta(minutes=2)
    store.api_keys.find(secret)
    second = store.api_keys.list()[0].used_at
    assert second is not None
    assert second >= first + timedelta(minutes=2)
    assert [one.name for one in store.api_keys.list()] == ["a", "b"]
