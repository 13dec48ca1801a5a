"""A real HTTP server on loopback whose answers a test writes byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


Handler: TypeAlias = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class LoopbackServer:
    """What a test talks to."""

    url: str
    received: list[Received] = field(default_factory=list)
    closed_early: int = 0  # connections that the client closed while it was being answered


@asynccontextmanager
async def serve(*handlers: Handler) -> AsyncIterator[LoopbackServer]:
    """Answer the n-th request with the n-th handler; the last one answers all that follow."""
    state = LoopbackServer(url="")

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.splitlines()
            headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest if item)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            state.received.append(Received(line=line, headers=headers, body=body))
            await handlers[min(len(state.received), len(handlers)) - 1](state.received[-1], writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            state.closed_early += 1
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    state.url = f"http://{host}:{port}"
    async with server:
        yield state


def respond(status: str, body: bytes = b"", **headers: str) -> Handler:
    """A whole answer."""

    async def handler(_: Received, writer: asyncio.StreamWriter) -> None:
        fields = {"Content-Length": str(len(body)), "Connection": "close", **headers}
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return handler


def stream_events(*events: str, cut: bool = False, pause: float = 0.0) -> Handler:
    """Server-sent events, one chunk each; cut: the connection drops before the last chunk's end mark."""

    async def handler(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in events:
            chunk = f"{event}\n\n".encode()
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            await asyncio.sleep(pause)
        if not cut:
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    return handler
