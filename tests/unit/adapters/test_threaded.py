"""The generator's thread over an engine that counts: every rule of joining, leaving and failing, without a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import numpy as np
import pytest

from adapters.errors import GenerationError, PromptTooLongError
from adapters.generator.config import GeneratorSettings
from adapters.generator.threaded import ThreadedGenerator
from adapters.generator.worker import Admitted, Request, Token, Worker
from adapters.types import ChatTurn, GenerationLimits

END = 0
UNREADABLE = 77
NONSENSE = 99


def said(number: int) -> Token:
    return Token(id=number, logprob=-number / 10)


class CountingEngine:
    """Counts down from the prompt's last token to END, and says nonsense after it; a gate can hold it before a step."""

    def __init__(self) -> None:
        self.row_tokens: list[int] = []
        self.tokens_per_step = 1
        self.admitted: list[int] = []
        self.most_rows = 0
        self.released: list[int] = []  # the last token of each row that left
        self.fail_next: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.stepping = threading.Event()

    @property
    def rows(self) -> int:
        return len(self.row_tokens)

    def admit(self, prompt: Sequence[int], scored: range = range(0)) -> Admitted:
        if prompt[-1] == 13:
            raise ValueError("the prompt's text")
        self.row_tokens.append(prompt[-1])
        self.admitted.append(prompt[-1])
        self.most_rows = max(self.most_rows, self.rows)
        likelihood = -sum(prompt[place] for place in scored) / 10
        hidden = np.array([prompt[-1], 1.0], dtype=np.float32)
        return Admitted(token=said(prompt[-1]), hidden=hidden, likelihood=likelihood)

    def step(self) -> list[list[Token]]:
        self.stepping.set()
        assert self.gate.wait(10)
        if self.fail_next is not None:
            failure, self.fail_next = self.fail_next, None
            raise failure
        steps = range(1, self.tokens_per_step + 1)
        taken = [[said(token - n) if token >= n else said(NONSENSE) for n in steps] for token in self.row_tokens]
        self.row_tokens = [max(token - self.tokens_per_step, END) for token in self.row_tokens]
        return taken

    def release(self, row: int) -> None:
        self.released.append(self.row_tokens[row])
        last = self.row_tokens.pop()
        if row < len(self.row_tokens):
            self.row_tokens[row] = last

    def reset(self) -> None:
        self.row_tokens.clear()


class NumberCodec:
    """A turn's words are numbers, and a token is a number."""

    end_tokens = frozenset({END})

    def encode(self, turns: Sequence[ChatTurn]) -> list[int]:
        return [int(word) for turn in turns for word in turn.content.split()]

    def question(self, turns: Sequence[ChatTurn]) -> range:
        return range(1, len(self.encode(turns)))

    def tokens(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, tokens: Sequence[int]) -> str:
        if UNREADABLE in tokens:
            raise ValueError("the answer's text")
        return "".join(f"{token} " for token in tokens)


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
async def generator(engine: CountingEngine) -> AsyncIterator[ThreadedGenerator]:
    settings = GeneratorSettings(max_batch=2, max_waiting=1)
    made = ThreadedGenerator(engine, NumberCodec(), name="counting", settings=settings, context=10)
    yield made
    engine.gate.set()
    await made.aclose()


def ask(generator: ThreadedGenerator, text: str, *, tokens: int = 5, seconds: float = 10.0) -> asyncio.Task[str]:
    async def read() -> str:
        limits = GenerationLimits(max_new_tokens=tokens, seconds=seconds)
        return "".join([piece async for piece in generator.stream([ChatTurn(role="user", content=text)], limits)])

    return asyncio.create_task(read())


async def until_stepping(engine: CountingEngine) -> None:
    engine.stepping.clear()
    assert await asyncio.to_thread(engine.stepping.wait, 10)


async def until_empty(engine: CountingEngine) -> None:
    """An answer is given out just before its row is freed."""
    async with asyncio.timeout(10):
        while engine.rows:  # noqa: ASYNC110 - the worker's thread sets no event when a row is free
            await asyncio.sleep(0.001)


async def test_an_answer_ends_at_the_end_token(generator: ThreadedGenerator) -> None:
    assert await ask(generator, "3") == "3 2 1 "
    assert await ask(generator, "0") == ""


async def test_an_answer_ends_at_the_token_limit(generator: ThreadedGenerator) -> None:
    assert await ask(generator, "9", tokens=1) == "9 "
    assert await ask(generator, "9", tokens=4) == "9 8 7 6 "


async def test_several_tokens_a_step_end_where_single_ones_do(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.tokens_per_step = 4
    first = await asyncio.gather(ask(generator, "3"), ask(generator, "9", tokens=3), ask(generator, "4"))
    assert list(first) == ["3 2 1 ", "9 8 7 ", "4 3 2 1 "]
    assert await ask(generator, "9", tokens=6) == "9 8 7 6 5 4 "
    await until_empty(engine)


async def test_the_tokens_of_a_step_come_as_one_piece(generator: ThreadedGenerator, engine: CountingEngine) -> None:
    engine.tokens_per_step = 4
    limits = GenerationLimits(max_new_tokens=6, seconds=10)
    assert [piece async for piece in generator.stream([ChatTurn(role="user", content="9")], limits)] == [
        "9 ",
        "8 7 6 5 ",
        "4 ",
    ]


async def test_requests_share_the_engine_and_keep_their_own_answers(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    answers = await asyncio.gather(ask(generator, "5"), ask(generator, "2"), ask(generator, "4"))
    assert list(answers) == ["5 4 3 2 1 ", "2 1 ", "4 3 2 1 "]
    assert engine.most_rows == 2
    await until_empty(engine)


async def test_closing_the_iterator_frees_the_row_at_the_next_step(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    async with aclosing(
        generator.stream([ChatTurn(role="user", content="9")], GenerationLimits(max_new_tokens=5, seconds=10))
    ) as pieces:
        engine.gate.clear()
        assert await anext(pieces) == "9 "
        assert await asyncio.to_thread(engine.stepping.wait, 10)
    engine.gate.set()
    assert await ask(generator, "2") == "2 1 "
    assert engine.released == [8, END]  # 8 is of the step that was under way


async def test_a_request_too_many_is_turned_away(generator: ThreadedGenerator, engine: CountingEngine) -> None:
    engine.gate.clear()
    running = [ask(generator, "3")]
    await until_stepping(engine)
    running += [ask(generator, "3"), ask(generator, "3")]
    await asyncio.sleep(0)
    with pytest.raises(GenerationError, match=r"^The generator is busy: 2 requests are waiting already"):
        await ask(generator, "3")
    engine.gate.set()
    assert await asyncio.gather(*running) == ["3 2 1 "] * 3


async def test_the_time_limit_ends_a_running_answer_with_what_there_is(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.gate.clear()
    answer = ask(generator, "9", seconds=0.05)
    await until_stepping(engine)
    await asyncio.sleep(0.1)
    engine.gate.set()
    assert await answer == "9 8 "


async def test_the_time_limit_counts_the_queue_and_says_so(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.gate.clear()
    running = [ask(generator, "3")]
    await until_stepping(engine)
    running.append(ask(generator, "3"))
    late = ask(generator, "3", seconds=0.05)
    await asyncio.sleep(0.1)
    engine.gate.set()
    with pytest.raises(GenerationError, match="the time limit passed before the first word"):
        await late
    assert await asyncio.gather(*running) == ["3 2 1 "] * 2


async def test_a_prompt_that_leaves_no_room_says_how_long_it_may_be(generator: ThreadedGenerator) -> None:
    assert await ask(generator, "1 1 1 1 1", tokens=5) == "1 "
    with pytest.raises(PromptTooLongError, match="6 tokens but only 5 fit") as caught:
        await ask(generator, "1 1 1 1 1 1", tokens=5)
    assert (caught.value.tokens, caught.value.limit) == (6, 5)


async def test_a_failing_step_reaches_every_caller_and_the_worker_goes_on(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.fail_next = RuntimeError("secret text")
    with pytest.raises(GenerationError, match=r"^The generator failed while computing \(RuntimeError\)\.$") as caught:
        await ask(generator, "3")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert await ask(generator, "3") == "3 2 1 "


async def test_a_failing_prompt_reaches_its_caller_only(generator: ThreadedGenerator) -> None:
    good, bad = ask(generator, "5"), ask(generator, "13")
    with pytest.raises(GenerationError, match="failed while computing"):
        await bad
    assert await good == "5 4 3 2 1 "


async def test_a_token_that_cannot_be_decoded_reaches_its_caller_and_the_worker_goes_on(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    for text in ("77", "78"):  # the prompt's own token, and one of a later step
        with pytest.raises(GenerationError, match=r"^The generator failed while computing \(ValueError\)\.$"):
            await ask(generator, text)
        await until_empty(engine)
    assert await ask(generator, "3") == "3 2 1 "


async def test_a_request_that_is_given_up_while_it_waits_is_never_computed(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.gate.clear()
    running = [ask(generator, "3")]
    await until_stepping(engine)
    running.append(ask(generator, "3"))
    waiting = ask(generator, "4")
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    engine.gate.set()
    assert await asyncio.gather(*running) == ["3 2 1 "] * 2
    assert engine.admitted == [3, 3]


async def test_stopping_ends_requests_in_flight_with_an_error(
    generator: ThreadedGenerator, engine: CountingEngine
) -> None:
    engine.gate.clear()
    running, waiting = ask(generator, "9"), ask(generator, "9")
    await until_stepping(engine)
    closing = asyncio.create_task(generator.aclose())
    await asyncio.sleep(0.01)
    engine.gate.set()
    await closing
    for answer in (running, waiting):
        with pytest.raises(GenerationError, match="stopped before the answer was complete"):
            await answer
    with pytest.raises(GenerationError, match="was stopped"):
        await ask(generator, "1")


def test_a_reader_whose_event_loop_is_gone_does_not_stop_the_others(engine: CountingEngine) -> None:
    made = ThreadedGenerator(engine, NumberCodec(), name="n", settings=GeneratorSettings(max_batch=2), context=99)

    async def leave() -> None:
        stream = made.stream([ChatTurn(role="user", content="50")], GenerationLimits(max_new_tokens=60, seconds=10))
        assert await anext(stream) == "50 "

    async def stay() -> str:
        return await ask(made, "2")

    asyncio.run(leave())
    assert asyncio.run(stay()) == "2 1 "
    asyncio.run(made.aclose())


def test_a_request_learns_the_prompts_state_and_each_tokens_probability(engine: CountingEngine) -> None:
    engine.tokens_per_step = 4
    worker = Worker(engine, NumberCodec(), max_rows=2, max_waiting=1, context=99)
    read, logprobs, finished = list[Admitted](), list[float](), threading.Event()
    request = Request(
        turns=[ChatTurn(role="user", content="7 3")],
        max_new_tokens=9,
        deadline=worker.clock() + 10,
        deliver=lambda _: None,
        finish=lambda _: finished.set(),
        on_prompt=read.append,
        on_token=logprobs.append,
    )
    worker.submit(request)
    assert finished.wait(10)
    worker.stop()
    assert [(one.hidden.tolist(), one.likelihood) for one in read] == [([3.0, 1.0], -0.3)]  # 3 is scored, 7 is not
    assert logprobs == [-0.3, -0.2, -0.1, 0.0]  # END is a choice like the others


def test_a_callback_that_fails_reaches_its_caller_and_frees_the_row(engine: CountingEngine) -> None:
    worker = Worker(engine, NumberCodec(), max_rows=2, max_waiting=1, context=99)
    failures, finished = list[object](), threading.Event()

    def finish(error: object) -> None:
        failures.append(error)
        finished.set()

    def refuse(_: object) -> None:
        raise ValueError("of the caller")

    worker.submit(
        Request(
            turns=[ChatTurn(role="user", content="3")],
            max_new_tokens=9,
            deadline=worker.clock() + 10,
            deliver=lambda _: None,
            finish=finish,
            on_prompt=refuse,
        )
    )
    assert finished.wait(10)
    worker.stop()
    assert isinstance(failures[0], GenerationError)
    assert engine.rows == 0


def submit(worker: Worker, text: str) -> threading.Event:
    """A request nobody reads; the event is set at its end."""
    finished = threading.Event()
    worker.submit(
        Request(
            turns=[ChatTurn(role="user", content=text)],
            max_new_tokens=30,
            deadline=worker.clock() + 10,
            deliver=lambda _: None,
            finish=lambda _: finished.set(),
        )
    )
    return finished


def test_long_prompts_are_read_one_at_a_time_and_short_ones_together(engine: CountingEngine) -> None:
    worker = Worker(engine, NumberCodec(), max_rows=4, max_waiting=9, context=2_000)
    rows_at_step, finished = list[int](), list[threading.Event]()
    step = engine.step

    def watched() -> list[list[Token]]:
        rows_at_step.append(engine.rows)
        return step()

    engine.step = watched  # type: ignore[method-assign]  # a fake of our own
    engine.gate.clear()
    for text in ("9", *["1 " * 600 + "8"] * 2, "7"):
        finished.append(submit(worker, text))
        if text == "9":
            assert engine.stepping.wait(10)
    engine.gate.set()
    assert all(done.wait(10) for done in finished)
    worker.stop()
    assert rows_at_step[:4] == [1, 2, 3, 4]


async def test_a_text_is_scored_behind_its_prompt_and_leaves_no_row(
    engine: CountingEngine, generator: ThreadedGenerator
) -> None:
    assert await generator.likelihood([ChatTurn(role="user", content="1 2 3")], "4 5") == pytest.approx(-0.9)
    assert engine.rows == 0
    assert await ask(generator, "1 2 3") == "3 2 1 "


async def test_a_text_is_scored_while_others_are_answered(engine: CountingEngine, generator: ThreadedGenerator) -> None:
    engine.gate.clear()
    answer = ask(generator, "1 2 3")
    await until_stepping(engine)
    score = asyncio.create_task(generator.likelihood([ChatTurn(role="user", content="1 2")], "7"))
    await asyncio.sleep(0)  # handed in
    engine.gate.set()
    assert await score == pytest.approx(-0.7)
    assert await answer == "3 2 1 "


async def test_a_text_that_cannot_be_scored_is_one_error(engine: CountingEngine, generator: ThreadedGenerator) -> None:
    turns = [ChatTurn(role="user", content="1 2 3")]
    with pytest.raises(PromptTooLongError, match="11"):
        await generator.likelihood(turns, " ".join(["4"] * 8))
    with pytest.raises(GenerationError, match="ValueError"):
        await generator.likelihood(turns, "13")
    assert engine.rows == 0
    assert await generator.likelihood(turns, "4") == pytest.approx(-0.4)


async def test_scoring_ends_with_the_generator(generator: ThreadedGenerator) -> None:
    await generator.aclose()
    with pytest.raises(GenerationError, match="stopped"):
        await generator.likelihood([ChatTurn(role="user", content="1")], "2")


async def test_tokens_are_counted_as_they_are_read_and_written(generator: ThreadedGenerator) -> None:
    await asyncio.gather(ask(generator, "1 2 3"), ask(generator, "9", tokens=2))
    assert await generator.likelihood([ChatTurn(role="user", content="1 2")], "3") is not None
    assert generator.tokens == {"read": 3 + 1 + 3, "written": 3 + 2}
