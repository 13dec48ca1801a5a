from __future__ import annotations

from bot.store.posts import PostBody
from bot.store.store import Store
from bot.types import Origin, Rating, RatingValue, StoredMessage
from tests.stores import NOON, accepted, answer

ROOM = {"platform": "web", "channel": "ada/x"}


def said(store: Store, text: str, **fields: object) -> StoredMessage:
    return accepted(store, text, **{**ROOM, **fields})


def test_a_place_is_read_in_the_order_in_which_things_were_first_said(store: Store) -> None:
    first = said(store, "One?", event_id="e1")
    second = said(store, "Two?", event_id="e2")
    said(store, "Elsewhere?", channel="ada/y")
    store.answers.add(first.id, answer("It is one."))
    other = store.answers.add(second.id, answer("It is two."))
    store.ratings.rate(Rating(answer_id=other.id, user_id=second.user_id, value=RatingValue.DOWN))
    store.asks.ask(other.id, second.user_id, not_since=NOON)
    again = said(store, "One, please?", event_id="e1#2", minutes=5, origin=Origin(replaces="e1"))

    found = store.transcripts.exchanges("web", "ada/x", limit=10)

    assert [(one.stored.message.text, one.first_id) for one in found] == [
        ("One, please?", first.id),
        ("Two?", second.id),
    ]
    assert [one.first_at for one in found] == [NOON, NOON]
    assert [one.stored.id for one in found] == [again.id, second.id], "the newest version counts"
    assert [one.waits for one in found] == [True, False]
    assert [one.answer and one.answer.answer.text for one in found] == [None, "It is two."]
    assert [one.rated for one in found] == [None, RatingValue.DOWN]
    assert [one.asked for one in found] == [False, True]


def test_only_the_last_messages_of_a_place_are_read(store: Store) -> None:
    for number in range(5):
        said(store, f"Number {number}?")
    found = store.transcripts.exchanges("web", "ada/x", limit=2)
    assert [one.stored.message.text for one in found] == ["Number 3?", "Number 4?"]
    assert store.transcripts.count("web", "ada/x") == 5
    assert store.transcripts.count("web", "ada/y") == 0


def test_a_message_that_was_dropped_waits_for_nothing(store: Store) -> None:
    store.inbox.fail(said(store, "Never mind").id)
    [one] = store.transcripts.exchanges("web", "ada/x", limit=2)
    assert (one.waits, one.answer, one.rated) == (False, None, None)


def test_posts_of_a_place_come_oldest_first_without_those_that_were_given_up(store: Store) -> None:
    posts = [store.posts.add(key, PostBody(text=key), platform="web", channel="ada/x") for key in "abcd"]
    store.posts.add("e", PostBody(text="e"), platform="web", channel="ada/y")
    store.posts.abandon(posts[1].id)
    store.posts.delivered(posts[3].id, "m1")
    assert [one.body.text for one in store.posts.in_place("web", "ada/x", limit=9)] == ["a", "c", "d"]
    assert [one.body.text for one in store.posts.in_place("web", "ada/x", limit=2)] == ["c", "d"]


def test_a_persons_places_are_listed_by_what_was_said_last(store: Store) -> None:
    early = said(store, "First in x", sender="ada", minutes=1)
    said(store, "Alone in y", sender="ada", channel="ada/y", minutes=2)
    last = said(store, "Again in x", sender="ada", minutes=3)
    said(store, "Somebody else", sender="grace", channel="grace/z", minutes=4)

    talks = store.transcripts.talks(early.user_id, limit=10)

    assert [(one.channel, one.first.message.text) for one in talks] == [
        ("ada/x", "First in x"),
        ("ada/y", "Alone in y"),
    ]
    assert talks[0].last_at == last.message.received_at
    assert [one.channel for one in store.transcripts.talks(early.user_id, limit=1)] == ["ada/x"]
