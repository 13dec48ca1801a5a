"""Who may do what, and who did what."""

from __future__ import annotations

import pytest

from bot.texts import say
from bot.types import Origin, Place, Role
from tests.integration.commands.office import PEOPLE, Office


async def claim(office: Office, code: str, place: Place = Place.DIRECT) -> str:
    return (await office.say(f"/claim {code}", place=place)).text


def role_of(office: Office, sender: str) -> Role:
    person = office.store.people.by_platform("slack", sender)
    assert person is not None
    return person.role


async def test_the_servers_code_makes_an_owner_once(office: Office) -> None:
    code = office.store.claims.issue()
    assert await claim(office, code.lower().replace("-", " ")) == say("claim-done", "en", help="`/burnish help`")
    assert role_of(office, "U1") is Role.OWNER
    assert office.audit() == [("slack:U1", "claim", "slack:D1", "became owner by code")]
    assert await claim(office, code) == say("claim-owner-already", "en"), "as after a crash"
    assert (await office.say(f"/claim {code}", role=Role.ADMIN)).text == say("claim-wrong", "en")
    assert role_of(office, PEOPLE[Role.ADMIN]) is Role.ADMIN


async def test_wrong_codes_are_audited_and_after_five_even_the_right_one_waits_an_hour(office: Office) -> None:
    code = office.store.claims.issue()
    for _ in range(5):
        assert await claim(office, "AAAA-BBBB-CCCC") == say("claim-wrong", "en")
    assert await claim(office, code) == say("claim-too-many", "en")
    assert role_of(office, "U1") is Role.USER
    assert [entry[:2] for entry in office.audit()] == [("slack:U1", "refused: claim")] * 6
    assert office.commands.counts["refused"] == 6
    assert code not in str(office.audit())
    office.clock.move(minutes=61)
    assert await claim(office, office.store.claims.issue()) == say("claim-done", "en", help="`/burnish help`")


async def test_a_code_that_was_written_in_a_group_works_no_more(office: Office) -> None:
    code = office.store.claims.issue()
    text = await claim(office, code, Place.GROUP)
    assert text == f"{say('command-elsewhere', 'en', command='`/burnish claim`')}\n\n{say('claim-burnt', 'en')}"
    assert await claim(office, code) == say("claim-wrong", "en")
    assert role_of(office, "U1") is Role.USER


async def grant(office: Office, text: str, *mentions: str, role: Role = Role.ADMIN, reply_to: str = "") -> str:
    command, _, rest = text.partition(" ")
    origin = Origin(command=command, mentions=mentions, reply_to_sender=reply_to)
    return (await office.say(rest, role=role, place=Place.GROUP, origin=origin)).text


async def test_a_role_goes_to_whom_the_platform_says_was_meant(office: Office) -> None:
    assert await grant(office, "grant @new trainer", "U77") == say("granted", "en", name="`U77`", role="trainer")
    assert role_of(office, "U77") is Role.TRAINER
    await grant(office, "grant trainer", reply_to="U1")
    assert role_of(office, "U1") is Role.TRAINER
    await grant(office, "revoke", reply_to="U1")
    assert role_of(office, "U1") is Role.USER
    assert [entry[1:] for entry in office.audit()] == [
        ("grant", "slack:C1", "trainer to slack:U77"),
        ("grant", "slack:C1", "trainer to slack:U1"),
        ("revoke", "slack:C1", "trainer of slack:U1"),
    ]


@pytest.mark.parametrize("text", ["grant U1 trainer", "grant slack:U1 trainer", "grant @ada trainer", "revoke U2"])
async def test_an_id_in_the_text_names_nobody(office: Office, text: str) -> None:
    assert (await grant(office, text)).startswith("Like this")
    assert role_of(office, "U1") is Role.USER
    assert role_of(office, "U2") is Role.TRAINER


async def test_two_people_or_no_role_say_how_it_is_given(office: Office) -> None:
    assert (await grant(office, "grant trainer", "U1", "U77")).startswith("Like this")
    assert (await grant(office, "grant", "U1")).startswith("Like this")
    assert (await grant(office, "grant king", "U1")).startswith("Like this")
    assert role_of(office, "U1") is Role.USER


@pytest.mark.parametrize(
    ("giver", "text", "to", "key"),
    [
        (Role.ADMIN, "grant admin", ("U1", Role.USER), "grant-too-high"),
        (Role.ADMIN, "grant owner", ("U1", Role.USER), "grant-too-high"),
        (Role.OWNER, "grant owner", ("U1", Role.USER), "grant-too-high"),
        (Role.ADMIN, "revoke", ("U4", Role.OWNER), "grant-above-you"),
        (Role.ADMIN, "grant trainer", ("U4", Role.OWNER), "grant-above-you"),
        (Role.ADMIN, "revoke", ("U3", Role.ADMIN), "grant-above-you"),
        (Role.OWNER, "revoke", ("U4", Role.OWNER), "grant-last-owner"),
    ],
)
async def test_nobody_gives_or_takes_what_is_not_below_them(
    office: Office, giver: Role, text: str, to: tuple[str, Role], key: str
) -> None:
    whom, has = to
    assert await grant(office, text, whom, role=giver) == say(key, "en")
    assert role_of(office, whom) is has
    [(actor, action, _, detail)] = office.audit()
    assert (actor, action) == (f"slack:{PEOPLE[giver]}", f"refused: {text.partition(' ')[0]}")
    assert f"slack:{whom}" in detail


async def test_an_owner_may_give_admin_and_take_ownership_from_another(office: Office) -> None:
    assert "admin" in await grant(office, "grant admin", "U1", role=Role.OWNER)
    assert role_of(office, "U1") is Role.ADMIN
    office.store.people.set_role(office.store.people.meet("slack", "U5").id, Role.OWNER)
    await grant(office, "revoke", "U5", role=Role.OWNER)
    assert role_of(office, "U5") is Role.USER


async def test_the_log_is_shown_newest_first_and_in_private_only(office: Office) -> None:
    assert (await office.say("/audit", role=Role.ADMIN)).text == say("audit-empty", "en")
    await office.say("/teach How long? | Three days.", role=Role.TRAINER)
    lines = (await office.say("/audit", role=Role.ADMIN)).text.splitlines()
    assert lines[1] == "- 2026-11-24 12:00 · Trainer (slack:U2) · **teach** · slack:D1 · written answer 1"
    assert len((await office.say("/audit 1", role=Role.ADMIN)).text.splitlines()) == 2
    await grant(office, "grant trainer", "U1", role=Role.OWNER)
    newest = (await office.say("/audit 2", role=Role.ADMIN)).text.splitlines()
    assert "Owner (slack:U4)" in "".join(newest)
    assert "trainer to User (slack:U1)" in "".join(newest)
