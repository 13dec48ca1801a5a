"""`burnish people` and `burnish login`: who may use the web without a chat platform."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import Context, context, fail
from bot.store.errors import LastOwnerError
from bot.store.people import WEB, Person
from bot.store.store import Store
from bot.types import Role
from bot.web.access import MAX_PASSWORD, MIN_PASSWORD, NAME, Access
from bot.web.links import login_link

LOCAL_NAME = "local"  # the web's name for whoever sits at the server

app = typer.Typer(help="People who use the web without a chat platform.", no_args_is_help=True)


def login(ctx: typer.Context) -> None:
    """Print a link that logs whoever sits at the server in to the dashboard, as an owner; it works once."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        code = local_link(store)
        store.audit.record(actor="cli", action="login link", detail="for whoever sits at the server")
    call.out.print(Text(login_link(call.settings, code)), soft_wrap=True)
    call.err.print("It works once, within 15 minutes, while `burnish serve` runs.", style="dim")


@app.command("list")
def show(ctx: typer.Context) -> None:
    """List everybody who wrote to the bot or can log in, with their roles."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        people = store.people.list()
    table = Table("platform", "id", "name", "role", box=None, padding=(0, 2, 0, 0))
    for one in people:
        table.add_row(*(Text(part) for part in (one.platform, one.platform_user_id, one.name, one.role.value)))
    call.out.print(table)


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name to log in with.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.USER,
) -> None:
    """Let somebody log in with a name and a password, which is asked for."""
    call = context(ctx)
    if not NAME.fullmatch(name):
        fail(call, f"{name!r} cannot be a name: expected letters, digits, dots, dashes; 40 at most.")
    with call.wiring.open_store() as store:
        if store.people.by_platform(WEB, name) is not None:
            fail(call, f"There is a {name} already; `burnish people password {name}` changes the password.")
        password = _asked(call)
        person = store.people.meet(WEB, name, name)
        store.people.set_role(person.id, role)
        Access(store, call.settings).set_password(person.id, password)
        store.audit.record(actor="cli", action="add person", detail=f"{name} as {role.value}")
    call.err.print(f"{name} can log in now.", markup=False)


@app.command("password")
def password(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Who.")]) -> None:
    """Give somebody another password; they are logged out everywhere."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        person = _named(call, store, name)
        Access(store, call.settings).set_password(person.id, _asked(call))
        store.audit.record(actor="cli", action="password", detail=name)
    call.err.print(f"{name} has another password now, and is logged out everywhere.", markup=False)


@app.command("role")
def change_role(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Who.")],
    role: Annotated[Role, typer.Argument(help="What they may do from now on.")],
) -> None:
    """Change what somebody may do."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        person = _named(call, store, name)
        try:
            store.people.set_role(person.id, role)
        except LastOwnerError as error:
            fail(call, str(error))
        store.audit.record(actor="cli", action="grant", detail=f"{role.value} to {name}")
    call.err.print(f"{name} is {role.value} now.", markup=False)


@app.command("logout")
def log_out(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Who.")]) -> None:
    """End all sessions of somebody."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        store.sessions.end_all(_named(call, store, name).id)
        store.audit.record(actor="cli", action="log out", detail=name)
    call.err.print(f"{name} is logged out everywhere.", markup=False)


def local_link(store: Store) -> str:
    """The code of a link for whoever sits at the server; blocks."""
    person = store.people.meet(WEB, LOCAL_NAME, "server")
    store.people.set_role(person.id, Role.OWNER)
    return store.sessions.issue_link(person.id)


def _named(call: Context, store: Store, name: str) -> Person:
    person = store.people.by_platform(WEB, name)
    if person is None:
        fail(call, f"Nobody logs in as {name}; `burnish people list` shows who does (platform web).")
    return person


def _asked(call: Context) -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        fail(call, f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    return password
