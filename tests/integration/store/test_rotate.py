from __future__ import annotations

import pytest

from bot.store.check import check
from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.rotate import reencrypt
from bot.store.store import Store
from tests.stores import accepted, answered, filled


def test_after_re_encryption_the_old_key_is_needed_no_more(store: Store, store_url: str, keyring: Keyring) -> None:
    filled(store)
    before = (store.inbox.pending(platform="slack"), store.answers.get(1), store.ratings.of(1, 1))
    store.close()
    rotated = keyring.rotated()
    new_only = Keyring.parse(rotated.dump().splitlines()[0], origin="the test")
    with Store.open(store_url, rotated) as opened:
        answered(opened, "written with the new key")
        seen: list[int] = []
        assert reencrypt(opened, batch=2, progress=seen.append) == 17
        assert sum(seen) == 21
        assert reencrypt(opened) == 0
    with Store.open(store_url, new_only) as opened:
        assert check(opened) == ()
        assert (opened.inbox.pending(platform="slack"), opened.answers.get(1), opened.ratings.of(1, 1)) == before
    with pytest.raises(StoreError, match=rotated.primary_id):
        Store.open(store_url, keyring)


def test_before_re_encryption_both_keys_are_needed(store: Store, store_url: str, keyring: Keyring) -> None:
    accepted(store)
    store.close()
    rotated = keyring.rotated()
    with Store.open(store_url, rotated) as opened:
        accepted(opened, "new")
        assert [one.message.text for one in opened.inbox.pending(platform="slack")][-1] == "new"
    for half in rotated.dump().splitlines():
        with pytest.raises(StoreError, match="which is not among the keys given"):
            Store.open(store_url, Keyring.parse(half, origin="the test"))
