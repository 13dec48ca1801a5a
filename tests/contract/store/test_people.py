from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bot.store.errors import LastOwnerError
from bot.store.expectations import Expectation
from bot.store.people import Person
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.types import Correction, Rating, RatingValue, Role, Wanted
from tests.stores import accepted, answer, answered

ROUNDS = 10  # of a race; without the lock PostgreSQL loses some of them
NOTHING = {"messages": 0, "answers": 0, "ratings": 0, "corrections": 0, "handoffs": 0}


def test_somebody_is_met_once_as_a_user_and_a_name_stays_until_there_is_another(store: Store) -> None:
    ada = store.people.meet("slack", "U1", "Ada")
    assert ada == Person(id=ada.id, platform="slack", platform_user_id="U1", name="Ada", role=Role.USER)
    assert store.people.meet("slack", "U1") == ada
    assert store.people.meet("slack", "U1", "Ada L.").name == "Ada L."
    assert store.people.meet("telegram", "U1").id != ada.id
    assert store.people.by_platform("telegram", "U2") is None
    assert store.people.get(ada.id + 99) is None


def test_four_threads_that_meet_somebody_at_once_keep_one_person(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        met = list(pool.map(lambda _: store.people.meet("slack", "U1").id, range(8)))
    assert len(set(met)) == 1
    assert len(store.people.list()) == 1


def test_whoever_is_added_has_the_role_and_nobody_who_is_there_gets_it(store: Store) -> None:
    petra = store.people.add("web", "petra", "Petra", Role.TRAINER)
    assert petra == Person(id=1, platform="web", platform_user_id="petra", name="Petra", role=Role.TRAINER)
    assert store.people.get(petra.id) == petra
    assert store.people.add("web", "petra", "Other", Role.ADMIN) is None
    assert store.people.list() == (petra,)


def test_of_four_threads_that_add_somebody_at_once_one_does(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda role: store.people.add("web", "petra", "Petra", role), tuple(Role)))
    [petra] = [one for one in added if one is not None]
    assert store.people.list() == (petra,)


def test_role_and_language_are_what_was_last_said_of_that_person_alone(store: Store) -> None:
    ada, grace = store.people.meet("slack", "U1"), store.people.meet("slack", "U2")
    assert store.people.set_role(ada.id, Role.TRAINER) is True
    assert store.people.set_language(ada.id, "zh") is True
    changed = store.people.get(ada.id)
    assert changed is not None
    assert (changed.role, changed.language) == (Role.TRAINER, "zh")
    assert store.people.get(grace.id) == grace
    assert store.people.set_language(ada.id, "") is True
    assert store.people.set_role(99, Role.ADMIN) is False
    assert store.people.set_language(99, "en") is False


def test_the_last_owner_stays_one(store: Store) -> None:
    ada, grace = store.people.meet("slack", "U1"), store.people.meet("slack", "U2")
    store.people.set_role(ada.id, Role.OWNER)
    with pytest.raises(LastOwnerError):
        store.people.set_role(ada.id, Role.USER)
    assert store.people.set_role(ada.id, Role.OWNER) is True
    assert store.people.set_role(grace.id, Role.ADMIN) is True, "others are free to change"
    store.people.set_role(grace.id, Role.OWNER)
    assert store.people.set_role(ada.id, Role.USER) is True


def test_two_owners_who_depose_each_other_at_once_leave_one(store: Store) -> None:
    owners = [store.people.meet("slack", name).id for name in ("U1", "U2")]
    ready = Barrier(2)

    def depose(user_id: int) -> bool:
        ready.wait()
        try:
            return store.people.set_role(user_id, Role.USER)
        except LastOwnerError:
            return False

    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            for owner in owners:
                store.people.set_role(owner, Role.OWNER)
            assert sorted(pool.map(depose, owners)) == [False, True]
            assert [one.role for one in store.people.list()].count(Role.OWNER) == 1


def test_forgetting_erases_what_the_footprint_counted_and_nothing_of_others(store: Store) -> None:
    mine, theirs = accepted(store, "Mine", sender="U1"), accepted(store, "Theirs", sender="U2")
    kept = store.answers.add(theirs.id, answer())
    gone = store.answers.add(mine.id, answer())
    for user in (mine.user_id, theirs.user_id):
        store.ratings.rate(Rating(answer_id=kept.id, user_id=user, value=RatingValue.UP))
    store.ratings.correct(Correction(answer_id=kept.id, user_id=mine.user_id, text="No."))
    handoff = store.handoffs.open(mine.conversation_id, mine.user_id, "Mine", team_platform="slack", team_channel="C9")
    post = store.posts.add("p", PostBody(text="Mine"), platform="slack", channel="C9", handoff_id=handoff.id)
    wanted = Expectation(kind=Wanted.CORRECTION, subject=kept.id)
    store.expectations.expect("slack", "C1", "", mine.user_id, wanted, minutes=5)

    footprint = {"messages": 1, "answers": 1, "ratings": 1, "corrections": 1, "handoffs": 1}
    assert store.people.footprint(mine.user_id) == footprint
    assert store.people.forget(mine.user_id) == footprint
    assert store.people.footprint(mine.user_id) == store.people.forget(mine.user_id) == NOTHING
    assert store.people.get(mine.user_id) is None
    assert store.inbox.get(mine.id) is None
    assert store.answers.get(gone.id) is None
    assert store.handoffs.get(handoff.id) is None
    assert store.posts.get(post.id) is None, "it holds their words"
    assert store.expectations.cancel("slack", "C1", "", mine.user_id) is False
    assert store.answers.get(kept.id) == kept
    assert store.inbox.get(theirs.id) == theirs
    assert store.ratings.of(kept.id, theirs.user_id) is not None
    assert store.ratings.corrections(kept.id) == ()


def test_a_conversation_goes_with_the_last_who_spoke_in_it(store: Store) -> None:
    alone = accepted(store, channel="D1", sender="U1")
    shared = accepted(store, channel="C1", sender="U1")
    other = accepted(store, channel="C1", sender="U2")
    assert shared.conversation_id == other.conversation_id
    store.people.forget(alone.user_id)
    again = accepted(store, channel="D1", sender="U1")
    assert again.conversation_id != alone.conversation_id
    assert again.user_id != alone.user_id, "nothing leads back"
    assert accepted(store, channel="C1", sender="U3").conversation_id == other.conversation_id


def test_the_footprint_of_somebody_unknown_is_nothing(store: Store) -> None:
    answered(store)
    assert store.people.footprint(99) == NOTHING
