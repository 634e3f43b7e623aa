"""Parts of the page that need no service: events for many viewers, words, ports, shared questions."""

import asyncio
import json
import runpy
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facility.profile import load_profile
from kado.config import Configuration, load_configuration
from kado.language import in_language, language
from kado.page.board import Board
from kado.page.channel import KEPT, Channel, encode
from kado.page.now_words import countdown, large_number, length, number
from kado.page.ports import port_documents
from kado.page.preferences import asked_language
from kado.page.reading import PageReader
from kado.page.waker import Waker
from kado.service.newest import Newest

ROOT = Path(__file__).parents[2]


def test_the_page_of_addresses_is_the_table() -> None:
    writer = runpy.run_path(str(ROOT / "docs" / "reference" / "write_api.py"))
    written = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert written == writer["page"](), "run: python docs/reference/write_api.py"


# --- Events


def channel() -> Channel:
    return Channel("boot", lambda: [("whole", {"all": 1})])


async def kinds(stream: AsyncIterator[bytes], chunks: int) -> list[tuple[str, str]]:
    """Return id and kind of the events in the next chunks."""
    found: list[tuple[str, str]] = []
    for _ in range(chunks):
        for event in (await anext(stream)).decode().split("\n\n"):
            lines = {name: value for name, _, value in (line.partition(": ") for line in event.splitlines())}
            if "event" in lines:
                found.append((lines["id"], lines["event"]))
    return found


async def test_a_new_viewer_is_given_the_whole_and_then_what_is_sent() -> None:
    sending = channel()
    sending.send("old", {})
    stream = sending.follow("")
    assert await kinds(stream, 2) == [("boot-1", "whole")]
    sending.send("new", {})
    assert await kinds(stream, 1) == [("boot-2", "new")]
    await stream.aclose()
    assert sending.viewers == 0


async def test_a_viewer_that_comes_back_is_given_what_it_missed() -> None:
    sending = channel()
    for n in range(5):
        sending.send("value", {"n": n})
    stream = sending.follow("boot-3")
    assert await kinds(stream, 2) == [("boot-4", "value"), ("boot-5", "value")]
    await stream.aclose()


@pytest.mark.parametrize(
    "last", ["", "boot-", "boot-x", "other-3", "boot-999", "boot--1", "\x00", "boot-1" + "0" * 5000]
)
async def test_an_id_that_is_not_known_begins_with_the_whole(last: str) -> None:
    sending = channel()
    sending.send("value", {})
    stream = sending.follow(last)
    assert (await kinds(stream, 2))[0][1] == "whole"
    await stream.aclose()


async def test_a_viewer_that_is_too_slow_is_given_the_whole_and_no_queue_grows() -> None:
    sending = channel()
    stream = sending.follow("")
    await kinds(stream, 2)
    for _ in range(KEPT + 10):
        sending.send("value", {})
    assert [kind for _, kind in await kinds(stream, 1)] == ["whole"]
    await stream.aclose()


async def test_a_closed_channel_ends_its_streams() -> None:
    sending = channel()
    stream = sending.follow("")
    await kinds(stream, 2)
    waiting = asyncio.create_task(anext(stream, b"end"))
    await asyncio.sleep(0)
    sending.close()
    assert await waiting == b"end"


@pytest.mark.parametrize("turns", range(6))
async def test_a_board_that_is_stopped_while_new_values_come_ends(turns: int) -> None:
    waker = Waker()
    board = Board(lambda *_: pytest.fail("nobody follows"), dict, waker, lambda *_: {}, "1")
    looking = asyncio.create_task(board.run())
    await asyncio.sleep(0.01)
    waker.landed([], 0.0)
    for _ in range(turns):
        await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait({looking}, timeout=60)
    assert looking.cancelled()


# --- Words


@pytest.mark.parametrize(
    ("value", "text"),
    [(399.456, "399.46"), (0.002, "0.00"), (-0.004, "0.00"), (-1.5, "-1.50"), (1234.56, "1,234.6"), (None, "–")],
)
def test_the_delivery_signal_is_written_with_as_many_decimals_always(value: float | None, text: str) -> None:
    assert large_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12.00"),
        (0.0123, "0.0123"),
        (1.2e-9, "1.2e-09"),
        (123456.0, "1.23e+05"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (None, "–"),
    ],
)
def test_other_signals_are_written_with_digits_that_say_something(value: float | None, text: str) -> None:
    assert number(value) == text


def test_lengths_are_written_in_two_units() -> None:
    assert [length(s) for s in (0, 59, 61, 3600, 90_000)] == ["0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]
    assert [countdown(s) for s in (0, 59, 3725, 90_000)] == ["0:00:00", "0:00:59", "1:02:05", "1 d 1:00:00"]
    with in_language("ja"):
        assert length(90_000) == "1 日 1 時間"


def test_a_browser_that_names_no_language_of_kado_reads_english() -> None:
    assert [asked_language(h) for h in ("", "de", "ja;q=0", "ja;q=abc", "ja", "en;q=0.4,ja;q=0.5")] == [
        "en", "en", "en", "en", "ja", "ja",
    ]  # fmt: skip


# --- Ports


def test_each_of_the_28_ports_stands_with_its_shutter() -> None:
    profile = load_profile("nanoterasu_sim")
    newest = {"shutter_01": Newest(5, 5, word="open"), "shutter_12": Newest(5, 5, word="closed")}
    ports = port_documents(profile, newest, 10)
    assert [p["number"] for p in ports] == list(range(1, 29))
    assert [p["status"] for p in ports].count("operating") == 10
    assert ports[0]["shutter"] == {"signal": "shutter_01", "word": "open", "open": True}
    assert ports[1]["shutter"] == {"signal": "shutter_02", "word": None, "open": None}
    assert ports[11]["shutter"] == {"signal": "shutter_12", "word": "closed", "open": False}


def test_a_facility_without_shutters_says_that_none_is_recorded() -> None:
    assert {p["shutter"] for p in port_documents(load_profile("nanoterasu"), {}, 10)} == {None}


# --- Questions


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "kado.toml").write_text('facility = "nanoterasu_sim"\n')
    return load_configuration(tmp_path / "kado.toml", environment=False)


async def test_one_computation_serves_all_who_ask_the_same(configuration: Configuration) -> None:
    calls: list[str] = []

    def work() -> str:
        calls.append(threading.current_thread().name)
        time.sleep(0.05)
        return "answer"

    async with PageReader(configuration) as reader:
        answers = await asyncio.gather(*(reader.answer(("q",), work) for _ in range(50)))
        assert set(answers) == {"answer"}
        assert len(calls) == 1
        assert calls[0].startswith("page questions")
        assert await reader.answer(("q",), work, fresh_s=0.0) == "answer"
        assert len(calls) == 2
        reader.forget()
        await reader.answer(("q",), work)
        assert len(calls) == 3


async def test_a_failure_is_not_kept(configuration: Configuration) -> None:
    turns = iter([ValueError("once"), None])

    def work() -> int:
        error = next(turns)
        if error is not None:
            raise error
        return 1

    async with PageReader(configuration) as reader:
        with pytest.raises(ValueError, match="once"):
            await reader.answer("q", work)
        assert await reader.answer("q", work) == 1


async def test_a_question_is_answered_in_the_language_of_who_asks(configuration: Configuration) -> None:
    async with PageReader(configuration) as reader:
        with in_language("ja"):
            assert await reader.answer("q", language) == "ja"


def test_events_are_one_line_of_json() -> None:
    text = encode("shown", "b-1", {"html": "<p>\n\n</p>"}).decode()
    assert text.count("\n") == 4
    assert json.loads(text.split("data: ")[1]) == {"html": "<p>\n\n</p>"}
