"""A small HTTP server inside the program: started and stopped like everything else, with no signals of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bot.errors import BotError

STOP_SECONDS = 5  # for requests that are under way when the server is stopped


class ListenError(BotError):
    """Nothing can be received at an address."""


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


class HttpServer:
    """Serves one application at one address."""

    def __init__(self, app: ASGIApp, listen: str, *, setting: str, trusted_proxy: str = "127.0.0.1") -> None:
        """Prepare.

        Args:
            app: The application.
            listen: "host:port"; port 0 takes a free one.
            setting: The setting that the address comes from, for the sentence when it is taken.
            trusted_proxy: Addresses whose X-Forwarded headers are believed, by commas.
        """
        self._host, _, port = listen.rpartition(":")
        self._host = self._host.strip("[]")
        self._port = int(port)
        self._setting = setting
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            forwarded_allow_ips=trusted_proxy,
            server_header=False,
        )
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    async def start(self) -> None:
        """Listen; returns once requests are answered.

        Raises:
            ListenError: The address is taken, or is not this machine's.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise ListenError(
                f"Nothing can be received at {self._host}:{self._port} ({error.strerror}); "
                f"choose another address with the setting {self._setting}."
            ) from error
        self._port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn sets a flag, no event
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take no more requests; those under way are answered."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait([self._task])
