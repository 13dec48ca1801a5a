from __future__ import annotations

from tests.stores import keyring, postgres_server, postgres_url

__all__ = ["keyring", "postgres_server", "postgres_url"]
