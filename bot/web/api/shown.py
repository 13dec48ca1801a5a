"""What may be told of where a document lies."""

from __future__ import annotations

from pathlib import PurePath


def shown_uri(uri: str) -> str:
    """A web address as it is; of a file its name, never the server's folders."""
    return uri if uri.startswith(("http://", "https://")) else PurePath(uri).name
