from __future__ import annotations

from bot.store.posts import PostBody
from bot.store.store import Store
from bot.types import Button

BODY = PostBody(text="Wer zahlt? 谁付?", buttons=((Button(label="✓", data="v:1", style="primary"),),), under="root")


def test_a_post_comes_back_as_it_was_added_and_the_same_key_adds_none(store: Store) -> None:
    added = store.posts.add("a", BODY, platform="slack", channel="C9", thread="t1")
    assert added.body == BODY
    assert (added.key, added.platform, added.channel, added.thread) == ("a", "slack", "C9", "t1")
    assert (added.handoff_id, added.platform_message_id, added.waits) == (None, "", True)
    again = store.posts.add("a", PostBody(text="other"), platform="telegram", channel="C8")
    assert again == added == store.posts.get(added.id) == store.posts.by_key("a")
    assert store.posts.by_key("b") is None
    assert store.posts.get(99) is None


def test_posts_wait_oldest_first_until_they_are_delivered_or_given_up(store: Store) -> None:
    first, second, third = (store.posts.add(key, BODY, platform="slack", channel="C9") for key in "abc")
    store.posts.add("d", BODY, platform="telegram", channel="C9")
    assert [post.id for post in store.posts.pending("slack")] == [first.id, second.id, third.id]
    store.posts.placed(first.id, "ts-1")
    assert store.posts.pending("slack")[0].platform_message_id == "ts-1"
    store.posts.delivered(first.id, "ts-1")
    store.posts.abandon(second.id)
    assert [post.id for post in store.posts.pending("slack")] == [third.id]
    done = store.posts.get(first.id)
    assert done is not None
    assert (done.waits, done.platform_message_id) == (False, "ts-1")
    assert store.posts.add("a", BODY, platform="slack", channel="C9").waits is False, "it is not sent again"


def test_a_post_is_found_by_the_message_that_it_is(store: Store) -> None:
    post = store.posts.add("a", BODY, platform="slack", channel="C9")
    store.posts.placed(post.id, "ts-1")
    found = store.posts.by_message("slack", "C9", "ts-1")
    assert found is not None
    assert found.id == post.id
    assert store.posts.by_message("slack", "C8", "ts-1") is None
    assert store.posts.by_message("telegram", "C9", "ts-1") is None
    assert store.posts.by_message("slack", "C9", "ts-2") is None
