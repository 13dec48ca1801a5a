"""What `burnish doctor` looks at on the server itself: the web, the machine, backups, and when the bot learns."""

from __future__ import annotations

import errno
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import psutil

from bot.blocking import run_blocking
from bot.config import Settings
from bot.frontends.base import Check
from bot.learning.loop import PAUSED
from bot.store.store import Store
from bot.telemetry import NEEDED
from bot.web.probes import PROGRAM
from bot.web.settings import WebSettings, is_exposed, is_loopback

GIGABYTE: Final = 1_000_000_000
SECONDS: Final = 3.0  # for whatever answers at our address
DISK_LOW, DISK_SCARCE = 1.0, 5.0  # gigabytes: versions, logs and a backup have to fit
MEMORY_LOW, MEMORY_SCARCE = 0.5, 2.0  # gigabytes: the program takes 1.5 with the default models
BACKUP_OLD: Final = timedelta(days=14)
OVERDUE: Final = timedelta(hours=1)  # a planned run begins within a minute
TIME: Final = "%Y-%m-%d %H:%M UTC"


async def address(listen: str) -> Check:
    """Whether the web's address can be had, or is ours already."""
    host, _, port = listen.rpartition(":")
    trouble = await run_blocking(_bound, host.strip("[]"), int(port))
    if not trouble:
        return Check(name="web address", ok=True, sentence=f"{listen} is free for `burnish serve`")
    if trouble != errno.EADDRINUSE:
        sentence = f"{listen} is not this machine's, or may not be used: set serve.listen to one that is"
        return Check(name="web address", ok=False, sentence=sentence)
    asked = host if is_loopback(host) or host.strip("[]") not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - compared
    if await _is_ours(f"http://{asked}:{port}"):
        return Check(name="web address", ok=True, sentence=f"`burnish serve` answers at {listen}")
    sentence = f"another program has {listen}: end it, or choose another address with serve.listen"
    return Check(name="web address", ok=False, sentence=sentence)


def _bound(host: str, port: int) -> int:
    """The error of taking an address; 0 for none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return 0


async def _is_ours(base: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
            found = (await client.get(f"{base}/healthz")).json()
    except (TimeoutError, httpx.HTTPError, ValueError):
        return False
    return isinstance(found, dict) and found.get("program") == PROGRAM


def reachable(listen: str, web: WebSettings) -> Iterator[Check]:
    """Who can reach the web, and by what address."""
    exposed, public = is_exposed(listen, web), urlsplit(web.public_url)
    if exposed and web.access == "open":
        sentence = 'others could reach the chat page without being known: set web.access = "login"'
        yield Check(name="web access", ok=False, sentence=sentence)
    else:
        who = "people who log in" if web.access == "login" else "whoever sits at this machine"
        yield Check(name="web access", ok=True, sentence=f"the chat page is for {who}")
    if not exposed and not web.public_url:
        return
    if not web.public_url:
        sentence = "web.public_url is not set: login links name serve.listen, and any name is answered to. Set it"
        yield Check(name="public address", ok=None, sentence=sentence)
    elif public.path.strip("/") or public.query or public.fragment:
        sentence = f"web.public_url = {web.public_url} has a path: the pages stand at the top of a name of their own"
        yield Check(name="public address", ok=False, sentence=sentence)
    elif public.scheme != "https" and exposed:
        sentence = "web.public_url is http: passwords and cookies could be read on the way. Put https before it"
        yield Check(name="public address", ok=False, sentence=sentence)
    else:
        yield Check(name="public address", ok=True, sentence=web.public_url)


def disk(folder: Path) -> Check:
    """Whether there is room for what the bot keeps."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free / GIGABYTE
    return _amount(
        "disk", free, low=DISK_LOW, scarce=DISK_SCARCE, mend=f"free some at {there}; `burnish versions prune`"
    )


def memory() -> Check:
    """Whether the models fit."""
    free = psutil.virtual_memory().available / GIGABYTE
    return _amount("memory", free, low=MEMORY_LOW, scarce=MEMORY_SCARCE, mend="end other programs, or add some")


def _amount(name: str, free: float, *, low: float, scarce: float, mend: str) -> Check:
    """So many gigabytes, looked at."""
    sentence = f"{free:.1f} GB free"
    if free >= scarce:
        return Check(name=name, ok=True, sentence=sentence)
    return Check(name=name, ok=False if free < low else None, sentence=f"{sentence}, which is little: {mend}")


def kept(store: Store, settings: Settings, now: datetime) -> Iterator[Check]:
    """What the store tells: its schema, backups, who may come in, and when the bot learns. Blocks."""
    counts = store.census.count()
    yield Check(name="schema", ok=True, sentence=f"revision {store.revision()}, {counts.bytes / 1_000_000:.0f} MB")
    yield _backup(counts.backed_up_at, now)
    yield Check(
        name="logins",
        ok=True,
        sentence=f"browsers that are known: {counts.sessions}; valid keys to the API: {counts.keys}",
    )
    yield _schedule(paused=bool(store.settings.get(PAUSED)), next_run=store.jobs.next_run(), now=now)
    if settings.web.otlp_endpoint:
        yield _telemetry()


def _backup(at: datetime | None, now: datetime) -> Check:
    how = "make one with `burnish store backup FOLDER`, every night say (docs/operations.md)"
    if at is None:
        return Check(name="backup", ok=None, sentence=f"never: {how}")
    if now - at > BACKUP_OLD:
        return Check(name="backup", ok=False, sentence=f"the last is {(now - at).days} days old: {how}")
    return Check(name="backup", ok=True, sentence=f"the last is of {at:{TIME}}")


def _schedule(*, paused: bool, next_run: datetime | None, now: datetime) -> Check:
    if paused:
        return Check(name="learning", ok=None, sentence="it is paused: `burnish schedule resume` ends that")
    if next_run is None:
        sentence = "no run is planned: `burnish schedule show` says why, `burnish serve` follows the plan"
        return Check(name="learning", ok=None, sentence=sentence)
    if now - next_run > OVERDUE:
        sentence = f"the look of {next_run:{TIME}} was not taken: is `burnish serve` running?"
        return Check(name="learning", ok=None, sentence=sentence)
    return Check(name="learning", ok=True, sentence=f"it looks next at {next_run:{TIME}} whether to learn")


def _telemetry() -> Check:
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        return Check(name="telemetry", ok=False, sentence=NEEDED)
    return Check(name="telemetry", ok=True, sentence="spans go to web.otlp_endpoint")
