"""The composition root of the API: who answers programs, with whatever serves or with a version by its name."""

from __future__ import annotations

from functools import partial

from adapters import bases
from adapters.types import AdapterVersion, Task
from bot.learning.live import Build, LivePath
from bot.learning.pinned import Pinned
from bot.learning.yielding import Answering
from bot.middleware import ErrorBoundary, Handler, compose, length_limit
from bot.service import Bot
from bot.serving import conversing
from bot.store.store import Store
from bot.web.api.bots import Bots
from bot.web.api.caller import PLATFORM
from bot.wiring import Wiring
from bot.wiring_web import Watching


def api_bots(
    wiring: Wiring,
    store: Store,
    live: LivePath,
    build: Build,
    *,
    boundary: ErrorBoundary,
    answering: Answering,
    watching: Watching,
) -> Bots:
    """Who answers programs. Blocks.

    Nobody is handed over to people, whose replies would not reach a program, and no command is carried out.

    Args:
        wiring: Of the settings.
        store: Keeps questions and answers.
        live: What serves.
        build: Makes what was asked for by name; of the Arms that built what serves, so that they have in common what
            they can.
        boundary: Counts failures.
        answering: Counts answers that are being written.
        watching: Counts and times answers.
    """

    def bot(handler: Handler) -> Bot:
        around = compose(answering.around(handler), watching.around, boundary, length_limit(wiring.settings))
        accepted = watching.metrics.accepted
        return Bot(store=store, handler=around, settings=wiring.settings, worker=live, accepted=accepted)

    for stored in store.inbox.pending(platform=PLATFORM):  # who waited for the answer went with the last run
        store.inbox.fail(stored.id)
    pinned = Pinned(build, wiring.registry, serving=lambda: live.versions, fits=partial(_fits, wiring))
    return Bots(active=bot(conversing(live)), pinned=pinned, new=bot)


def _fits(wiring: Wiring, version: AdapterVersion) -> bool:
    """Whether a version was made for the models in the settings; that its files are sound shows when it is loaded."""
    if version.task not in wiring.followed:
        return False
    if version.task is Task.GENERATOR:
        folder = wiring.generator_folder
        return folder is not None and version.base == bases.fingerprint(folder)
    return version.base == wiring.encoder.name
