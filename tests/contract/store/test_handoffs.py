from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.store.handoffs import Handoff
from bot.store.store import Store
from tests.stores import FakeClock, accepted


def opened(
    store: Store, question: str = "Who pays?", *, channel: str = "C1", thread: str = "", sender: str = "U1"
) -> Handoff:
    asker = accepted(store, question, channel=channel, thread=thread, sender=sender)
    return store.handoffs.open(
        asker.conversation_id, asker.user_id, question, team_platform="telegram", team_channel="-100"
    )


def test_a_handoff_knows_both_places_and_opening_it_again_changes_nothing(store: Store) -> None:
    first = opened(store, thread="t1")
    assert (first.platform, first.channel, first.thread) == ("slack", "C1", "t1")
    assert (first.team_platform, first.team_channel) == ("telegram", "-100")
    assert (first.question, first.reply, first.resolved_at) == ("Who pays?", "", None)
    assert opened(store, "And when?", thread="t1") == first
    assert store.handoffs.get(first.id) == first
    assert store.handoffs.open_of("slack", "U1") == (first,)
    assert store.handoffs.get(99) is None


def test_a_resolved_one_is_open_no_more_and_another_can_be_opened(store: Store, clock: FakeClock) -> None:
    first, other = opened(store), opened(store, "Elsewhere?", channel="C2")
    store.handoffs.said(first.id, "We do.")
    store.handoffs.said(first.id, "We do, 我们付。")
    assert store.handoffs.resolve(first.id) is True
    assert store.handoffs.resolve(first.id) is False
    assert store.handoffs.resolve(99) is False
    done = store.handoffs.get(first.id)
    assert done is not None
    assert (done.reply, done.resolved_at) == ("We do, 我们付。", clock.now)
    assert store.handoffs.open_of("slack", "U1") == (other,)
    assert store.handoffs.waiting() == (other,)
    second = opened(store)
    assert second.id != first.id
    assert store.handoffs.waiting() == (other, second)


def test_everybody_has_their_own_in_one_place_and_one_person_several_in_several(store: Store) -> None:
    ada, bob = opened(store), opened(store, "And when?", sender="U2")
    elsewhere = opened(store, "Where?", channel="C2")
    assert store.handoffs.waiting() == (ada, bob, elsewhere)
    assert store.handoffs.open_of("slack", "U1") == (elsewhere, ada), "newest first"
    assert store.handoffs.open_of("slack", "U2") == (bob,)
    assert store.handoffs.open_of("telegram", "U1") == ()
    store.handoffs.resolve(ada.id)
    assert store.handoffs.open_of("slack", "U2") == (bob,)


def test_four_presses_at_once_open_one(store: Store) -> None:
    asker = accepted(store)

    def open_one(_: int) -> int:
        return store.handoffs.open(
            asker.conversation_id, asker.user_id, "Who?", team_platform="slack", team_channel="C9"
        ).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(open_one, range(4)))) == 1
    assert len(store.handoffs.waiting()) == 1


def test_handoffs_are_counted_from_a_time_on(store: Store, clock: FakeClock) -> None:
    opened(store)
    clock.move(minutes=60)
    assert store.handoffs.count(clock.now) == 0
    opened(store, channel="C2")
    assert store.handoffs.count(clock.now) == 1
    assert store.handoffs.count(clock.now - timedelta(hours=1)) == 2
