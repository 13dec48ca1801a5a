from __future__ import annotations

from tests.stores import clock, keyring, postgres_server, postgres_url, store, store_url

__all__ = ["clock", "keyring", "postgres_server", "postgres_url", "store", "store_url"]
