"""A request takes a thread for what blocks, and for nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from bot.web.app import create_app
from tests.integration.web.site import Site


def called(dependant: Dependant) -> Iterator[object]:
    """What a route calls: its dependencies, theirs, and itself."""
    yield dependant.call
    for one in dependant.dependencies:
        yield from called(one)


def awaited(one: object) -> bool:
    """Whether it is run in the event loop."""
    return any(inspect.iscoroutinefunction(by) or inspect.isasyncgenfunction(by) for by in (one, type(one).__call__))


def everything(app: FastAPI) -> Iterator[object]:
    """What all routes call, those of mounted applications too."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            yield from called(route.dependant)
        elif isinstance(route.route, Mount) and isinstance(route.route.app, FastAPI):
            yield from everything(route.route.app)


async def test_nothing_that_does_not_block_is_called_in_a_thread(served: Site) -> None:
    found = list(everything(create_app(served.parts)))
    assert len(found) > 100
    assert sorted(str(one) for one in found if not awaited(one)) == []
