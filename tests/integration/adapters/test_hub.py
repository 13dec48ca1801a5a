"""The hub's own library against a hub of ours on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters.bases import list_models, resolve
from adapters.errors import AdapterError
from adapters.layout import read_manifest
from tests.integration.adapters.conftest import left_over, model_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NONE: Mapping[str, str] = {}


def _describe(body: bytes) -> dict[str, str]:
    """What a hub says about a file beside its body."""
    return {"ETag": f'"{len(body):040x}"', "X-Repo-Commit": COMMIT}


class _Hub(BaseHTTPRequestHandler):
    """The three calls that fetching a repository makes: its description, and each file's head and body."""

    def __init__(self, files: dict[str, bytes], *args: object) -> None:
        self._files = files
        super().__init__(*args)  # type: ignore[arg-type]  # the server's own three arguments, handed on

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/acme/broken"):
            self._answer(500, b"")
        elif not path.startswith(("/api/models/acme/tiny", "/acme/tiny")):
            self._answer(404, b"", headers={"X-Error-Code": "RepoNotFound"})
        elif "/resolve/" in path:
            self._file(path.split("/resolve/")[1].partition("/")[2])
        elif path.endswith("/nowhere"):
            self._answer(404, b"", headers={"X-Error-Code": "RevisionNotFound"})
        elif "/tree/" in path:
            entries = [{"type": "file", "path": n, "size": len(d), "oid": "0" * 40} for n, d in self._files.items()]
            self._answer(200, json.dumps(entries).encode())
        else:
            siblings = [{"rfilename": name, "size": len(data)} for name, data in self._files.items()]
            self._answer(200, json.dumps({"id": "acme/tiny", "sha": COMMIT, "siblings": siblings}).encode())

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def _file(self, name: str) -> None:
        if self.path.startswith("/acme/tiny-cut/"):
            self._answer(200, self._files[name], sent=len(self._files[name]) // 2, headers=_describe(self._files[name]))
            return
        self._answer(200, self._files[name], headers=_describe(self._files[name]))

    def _answer(self, status: int, body: bytes, *, sent: int | None = None, headers: Mapping[str, str] = NONE) -> None:
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:sent])

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def files() -> dict[str, bytes]:
    return {
        **model_files(),
        "tokenizer.json": b"{}",
        "evil.py": b"",
        "pytorch_model.bin": b"",
        "onnx/config.json": b"{}",
    }


@pytest.fixture
def hub_url(files: dict[str, bytes]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, files)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_repository_brings_safetensors_tokenizer_and_config_only(
    tmp_path: Path, hub_url: str, files: dict[str, bytes]
) -> None:
    folder = resolve("hub:acme/tiny@v1", cache=tmp_path, hub_url=hub_url)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.source == "hub:acme/tiny@v1"
    assert set(manifest.files) == {"config.json", "model.safetensors", "tokenizer.json"}
    assert (folder / "model.safetensors").read_bytes() == files["model.safetensors"]
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("hub:acme/missing", "^hub:acme/missing@main does not exist, or is private"),
        ("hub:acme/tiny@nowhere", "^acme/tiny has no revision 'nowhere'"),
        ("hub:acme/tiny-cut", "^The download of hub:acme/tiny-cut@main broke off; try again"),
        ("hub:acme/broken", "^The hub answered HTTP 500 for hub:acme/broken@main"),
    ],
)
def test_a_refusal_is_one_sentence(tmp_path: Path, hub_url: str, source: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        resolve(source, cache=tmp_path, hub_url=hub_url)
    assert left_over(tmp_path) == []
    assert list_models(tmp_path) == ()


def test_a_repository_without_safetensors_is_named(tmp_path: Path, hub_url: str, files: dict[str, bytes]) -> None:
    del files["model.safetensors"]
    with pytest.raises(AdapterError, match="has no safetensors weights; choose a repository that has"):
        resolve("hub:acme/tiny", cache=tmp_path, hub_url=hub_url)


def test_a_hub_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"^The hub cannot be reached for hub:acme/tiny@main; check the network"):
        resolve("hub:acme/tiny", cache=tmp_path, hub_url="http://127.0.0.1:9")
    assert left_over(tmp_path) == []
