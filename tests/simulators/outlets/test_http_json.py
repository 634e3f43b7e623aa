"""Samples over HTTP: complete, in order, to be asked for again from anywhere."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from facility.batch import Batch
from facility.errors import ConfigError
from facility.profile import load_profile
from facility.source import LinkReport
from facility.time import NS_PER_S, parse_time
from servers import free_port
from simulators.machine import Machine
from simulators.outlets.http_json import HttpJson
from simulators.outlets.request_body import BodyTooSlowError, read_body
from simulators.outlets.sample import samples_of
from simulators.scenario import load_scenario
from waiting import LONGEST_S

START = parse_time("2026-11-10T09:59:30+09:00")
END = START + 120 * NS_PER_S
PROFILE = load_profile("nanoterasu_sim")
QUIET = load_scenario("quiet_week")


def machine() -> Machine:
    return Machine(PROFILE, QUIET)


def history(machine: Machine) -> Batch:
    return Batch.concat(list(machine.history(START, END)))


async def given(*items: Batch | LinkReport) -> AsyncIterator[Batch | LinkReport]:
    for item in items:
        yield item


def outlet_of(machine: Machine, *, most_kept: int = 5_000_000, port: int = 8421) -> HttpJson:
    return HttpJson(f"http://127.0.0.1:{port}", machine, lambda: START, most_kept=most_kept)


def client_of(outlet: HttpJson) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(outlet.application())
    return httpx.AsyncClient(transport=transport, base_url="http://simulator")


async def ask(client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pages_give_every_sample_once_in_the_order_of_sending() -> None:
    simulated = machine()
    outlet, expected = outlet_of(simulated), samples_of(history(simulated))
    await outlet.release(given(history(simulated)))
    got: list[Any] = []
    async with client_of(outlet) as client:
        page = await ask(client, "/samples", limit=50)
        got += page["samples"]
        while page["more"]:
            page = await ask(client, "/samples", limit=50, after=page["next"])
            got += page["samples"]
        assert page["next"] == len(expected) == outlet.released.samples
        assert await ask(client, "/samples", after=page["next"]) == {**page, "samples": [], "more": False}
    assert got == [{"number": n, "signal": s.signal, **s.document()} for n, s in enumerate(expected)]
    assert {"machine_mode", "shutter_28", "stored_current"} <= {s["signal"] for s in got}


async def test_a_page_can_be_narrowed_to_signals_and_stamps() -> None:
    simulated = machine()
    outlet = outlet_of(simulated)
    await outlet.release(given(history(simulated)))
    span = {"since": "2026-11-10T10:00:00+09:00", "until": "2026-11-10T01:00:20Z"}
    async with client_of(outlet) as client:
        page = await ask(client, "/samples", signal=["stored_current_2", "machine_mode"], **span)
        assert [(s["signal"], s["time"][11:]) for s in page["samples"]] == [
            ("stored_current_2", "01:00:00Z"),
            ("machine_mode", "01:00:00Z"),
            ("stored_current_2", "01:00:10Z"),
        ]
        last = await ask(client, "/last")
    assert (last["simulated"], last["scenario"], last["seed"]) == (True, "quiet_week", 1)
    assert last["last"]["machine_mode"] == {"time": "2026-11-10T01:01:00Z", "value": "user", "quality": "good"}


async def test_what_is_late_or_sent_twice_is_given_as_it_was_sent() -> None:
    outlet = outlet_of(machine())
    late = Batch.of_numbers("nanoterasu_sim", "stored_current", [START, START + 5, START + 1, START + 5], [1, 2, 3, 2])
    await outlet.release(given(late))
    async with client_of(outlet) as client:
        page = await ask(client, "/samples")
    assert [s["value"] for s in page["samples"]] == [1, 2, 3, 2]


async def test_what_was_dropped_is_never_passed_over_in_silence() -> None:
    outlet = outlet_of(machine(), most_kept=80)
    for first in range(0, 200, 40):
        times = [START + i for i in range(first, first + 40)]
        await outlet.release(given(Batch.of_numbers("nanoterasu_sim", "stored_current", times, times)))
    async with client_of(outlet) as client:
        gone = await client.get("/samples")
        assert gone.status_code == 410
        assert gone.json() == {"error": "the first 120 samples are no longer kept: ask with after=120"}
        assert (await client.get("/samples", params={"after": 119})).status_code == 410
        page = await ask(client, "/samples", after=120)
    assert [s["number"] for s in page["samples"]] == list(range(120, 200))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("/samples?limit=0", "limit='0' is not a whole number from 1 to 10000"),
        (f"/samples?after={'9' * 5000}", "is not a whole number"),
        ("/samples?after=٣", "is not a whole number"),
        ("/samples?after=7", "after=7 was never given out: the next sample has number 0"),
        ("/samples?signal=curent", "there is no signal 'curent'; there are stored_current, "),
        ("/samples?since=2026-11-10T10:00:00", "has no offset from UTC"),
        ("/samples?from=1", "there is no parameter 'from'; there are signal, since, until, limit, after"),
    ],
)
async def test_a_question_that_cannot_be_understood_is_refused(asked: str, message: str) -> None:
    async with client_of(outlet_of(machine())) as client:
        answer = await client.get(asked)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize("path", ["/inject", "/repair"])
@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://evil.example", "127.0.0.1:8000", 403),
        ("null", "127.0.0.1:8000", 403),
        # A name of somebody else's that leads here.
        ("http://evil.example", "evil.example", 403),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", 400),
        ("http://localhost:8000", "localhost:8000", 400),
        (None, "simulator", 400),
    ],
)
async def test_a_page_of_another_server_injects_nothing(path: str, origin: str | None, host: str, status: int) -> None:
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    async with client_of(outlet_of(machine())) as client:
        answer = await client.post(path, content=b"not JSON", headers=headers)
    assert answer.status_code == status


async def test_faults_are_injected_and_repaired() -> None:
    simulated = machine()
    simulated.injection.follow(lambda: START)
    async with client_of(outlet_of(simulated)) as client:
        answer = await client.post("/inject", json={"effect": "monitor_dropout", "length_s": 600, "reads": "bad"})
        fault = {"effect": "monitor_dropout", "cause": "injected", "reads": "bad"}
        assert answer.status_code == 201
        assert answer.json()["injected"].items() >= fault.items()
        assert [f["effect"] for f in (await ask(client, "/inject"))["broken"]] == ["monitor_dropout"]
        again = await client.post("/inject", json={"effect": "monitor_freeze"})
        assert again.status_code == 400
        assert "contradicts monitor_dropout" in again.json()["error"]
        wrong = await client.post("/inject", json={"effect": "beam_dump", "length": 3})
        assert wrong.json() == {"error": "length: Extra inputs are not permitted"}
        assert [f["effect"] for f in (await client.post("/repair")).json()["repaired"]] == ["monitor_dropout"]
        assert (await ask(client, "/inject"))["broken"] == []


@pytest.mark.parametrize("path", ["/inject", "/repair"])
async def test_a_body_that_states_more_than_the_limit_is_refused_before_it_is_read(path: str) -> None:
    async with client_of(outlet_of(machine())) as client:
        answer = await client.post(path, content=b"x", headers={"Content-Length": str(1 << 30)})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert "at most 65,536 bytes are read; nothing was done" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/inject", "/repair"])
async def test_a_body_without_a_stated_length_is_read_up_to_the_limit(path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 4096
            yield b" " * 4096

    async with client_of(outlet_of(machine())) as client:
        answer = await client.post(path, content=endless())
    assert answer.status_code == 413
    assert "at most 65,536 bytes are read; nothing was done" in answer.json()["error"]
    assert sent == 65_536 + 4096


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    simulated = machine()
    simulated.injection.follow(lambda: START)
    body = json.dumps({"effect": "monitor_dropout", "length_s": 600, "reads": "bad"}).encode()
    async with client_of(outlet_of(simulated)) as client:
        assert (await client.post("/inject", content=body.ljust(65_536))).status_code == 201
        assert (await client.post("/repair", content=b"{}".ljust(65_537))).status_code == 413
        assert [f["effect"] for f in (await ask(client, "/inject"))["broken"]] == ["monitor_dropout"]


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async def never() -> Any:
        await asyncio.sleep(3600)

    with pytest.raises(BodyTooSlowError, match=r"not complete within 0\.1 s; nothing was done"):
        await read_body(Request({"type": "http", "method": "POST", "headers": []}, never), body_s=0.1)


async def events(answer: httpx.Response, number: int) -> list[dict[str, str]]:
    """Return the first events of a stream, each as its fields."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    async with asyncio.timeout(LONGEST_S):
        async for line in answer.aiter_lines():
            if line:
                name, _, text = line.partition(": ")
                fields[name] = text
                continue
            found.append(fields)
            fields = {}
            if len(found) == number:
                break
    return found


def values(found: Sequence[dict[str, str]]) -> list[Any]:
    return [json.loads(event["data"])["value"] for event in found if "id" in event]


async def test_a_stream_goes_on_where_it_was_cut_and_tells_of_the_link() -> None:
    port = free_port()
    outlet = outlet_of(machine(), port=port)

    def numbers(*found: int) -> Batch:
        return Batch.of_numbers("nanoterasu_sim", "stored_current", [START + n * NS_PER_S for n in found], found)

    url = f"http://127.0.0.1:{port}/stream"
    async with outlet.serving(), httpx.AsyncClient() as client:
        await outlet.release(given(numbers(0, 1, 2)))
        async with client.stream("GET", url, params={"after": 0}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            about, *first = await events(answer, 3)
        assert json.loads(about["data"])["simulated"] is True
        assert (values(first), first[-1]["id"]) == ([0, 1], "1")
        async with client.stream("GET", url, headers={"Last-Event-ID": "1"}) as answer:
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith("event: about")
            await outlet.release(given(LinkReport(START, "down"), numbers(3)))
            text = "".join([await anext(lines) + "\n" for _ in range(9)])
        assert 'id: 2\ndata: {"signal": "stored_current"' in text
        assert 'event: link\ndata: {"state": "down", "since": "2026-11-10T00:59:30Z"}' in text


async def test_every_loss_of_the_link_stands_in_the_stream_where_it_was_noticed() -> None:
    port = free_port()
    outlet = outlet_of(machine(), port=port)
    before, after = (Batch.of_numbers("nanoterasu_sim", "stored_current", [START + n * NS_PER_S], [n]) for n in (0, 9))
    down, up = LinkReport(START + NS_PER_S, "down"), LinkReport(START + 5 * NS_PER_S, "up")
    async with outlet.serving(), httpx.AsyncClient() as client:
        # Over before anybody could look.
        await outlet.release(given(before, down, up, after))
        url = f"http://127.0.0.1:{port}/stream"
        async with client.stream("GET", url, params={"after": 0}) as answer:
            found = await events(answer, 5)
        async with client.stream("GET", url, params={"after": 2}) as answer:
            await outlet.release(given(down))
            later = await events(answer, 2)
    assert [event.get("event", "sample") for event in found] == ["about", "sample", "link", "link", "sample"]
    assert [json.loads(found[n]["data"])["state"] for n in (2, 3)] == ["down", "up"]
    assert [json.loads(event["data"]).get("state") for event in later] == [None, "down"]


async def test_a_port_that_is_taken_is_named() -> None:
    port = free_port()
    async with outlet_of(machine(), port=port).serving():
        with pytest.raises(
            ConfigError, match=f"HTTP cannot listen at 127.0.0.1:{port}: Address already in use; choose"
        ):
            async with outlet_of(machine(), port=port).serving():
                pass


async def test_what_there_is_is_described_and_every_answer_says_that_it_is_simulated() -> None:
    async with client_of(outlet_of(machine())) as client:
        about = await ask(client, "/signals")
    assert (about["simulated"], about["facility"]) == (True, "nanoterasu_sim")
    signals = {signal["id"]: signal for signal in about["signals"]}
    assert len(signals) == len(machine().signals)
    assert signals["stored_current"].items() >= {"unit": "mA", "period_s": 1.0, "physical_max": 600.0}.items()
    assert signals["machine_mode"]["words"] == ["user", "study", "tuning", "maintenance", "shutdown", "refill"]


async def test_a_stream_ends_with_the_simulator_after_its_last_sample() -> None:
    port = free_port()
    outlet = outlet_of(machine(), port=port)
    async with httpx.AsyncClient() as client, asyncio.timeout(LONGEST_S):
        async with outlet.serving():
            request = client.build_request("GET", f"http://127.0.0.1:{port}/stream", params={"after": 0})
            answer = await client.send(request, stream=True)
            await outlet.release(given(Batch.of_numbers("nanoterasu_sim", "stored_current", [START], [200.0])))
        text = (await answer.aread()).decode()
    assert text.endswith('"time": "2026-11-10T00:59:30Z", "value": 200.0, "quality": "good"}\n\n')


async def test_the_simulator_ends_though_a_reader_of_its_stream_has_stopped_reading() -> None:
    port = free_port()
    outlet = outlet_of(machine(), port=port)
    stamps = [START + n * NS_PER_S for n in range(200_000)]
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", stamps, stamps)
    async with asyncio.timeout(LONGEST_S):
        with socket.socket() as frozen:
            async with outlet.serving():
                await outlet.release(given(batch))
                await asyncio.to_thread(frozen.connect, ("127.0.0.1", port))
                frozen.sendall(b"GET /stream?after=0 HTTP/1.1\r\nHost: simulator\r\n\r\n")
                assert await asyncio.to_thread(frozen.recv, 15) == b"HTTP/1.1 200 OK"
            frozen.settimeout(10)
            with frozen.makefile("rb") as sent:
                assert not (await asyncio.to_thread(sent.read)).endswith(b"0\r\n\r\n")
