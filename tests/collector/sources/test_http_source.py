"""A document over HTTP: what it says, what it does not say, and how it is asked for."""

import asyncio
import itertools
import json
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

import collector
from collector.sources.http import reader as http_reader
from collector.sources.http.spec import HttpSource
from collector.sources.json_pointer import MISSING, follow, parse_pointer
from collector.sources.json_values import read_time
from facility.errors import AuthorizationError, ConfigError, KadoError, UnreachableError
from facility.profile import Profile, load_profile
from facility.source import Delivery, LinkReport
from facility.time import NS_PER_S, parse_time, system_clock
from json_server import JsonServer
from servers import require
from waiting import LONGEST_S

PROFILE = load_profile("nanoterasu_sim")
TOKYO = ZoneInfo("Asia/Tokyo")
CURRENT = {"pointer": "/ring/current", "signal": "stored_current"}


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with JsonServer() as started:
        yield started


def source(server: JsonServer, *mappings: dict[str, Any], **options: Any) -> HttpSource:
    options.setdefault("period_s", 0.02)
    return HttpSource.model_validate(
        {"id": "page", "kind": "http", "url": f"{server.url}/x.json", "signal": list(mappings or [CURRENT]), **options}
    )


class Heard:
    """What a reader yields."""

    def __init__(self, items: AsyncIterator[Any]) -> None:
        self._items = items

    async def next(self) -> Any:
        return await asyncio.wait_for(anext(self._items), 60)

    async def samples(self) -> list[tuple[str, int, Any, int, str | None]]:
        """Return (signal, time_ns, value, quality, reason) of the next delivery."""
        delivery = await self.next()
        assert isinstance(delivery, Delivery), delivery
        batch = delivery.batch
        assert batch is not None, delivery.rejected
        words = (*batch.words, None)
        rows = range(len(batch))
        return [
            (
                batch.signals[int(batch.signal[i])],
                int(batch.time_ns[i]),
                words[int(batch.state[i])] or (None if batch.value[i] != batch.value[i] else float(batch.value[i])),
                int(batch.quality[i]),
                words[int(batch.reason[i])],
            )
            for i in rows
        ]


@asynccontextmanager
async def hearing(spec: HttpSource, profile: Profile = PROFILE) -> AsyncIterator[Heard]:
    async with spec.connect(profile, system_clock) as reader:
        yield Heard(reader.items())


def served(server: JsonServer, document: Any) -> None:
    server.body = document if isinstance(document, bytes) else json.dumps(document).encode()


async def test_a_key_that_is_missing_and_null_are_unknown_and_never_zero(server: JsonServer) -> None:
    served(server, {"ring": {"mode": None}})
    mode = {"pointer": "/ring/mode", "signal": "machine_mode"}
    async with hearing(source(server, CURRENT, mode)) as heard:
        first, second = await heard.samples()
        assert first[2:] == (None, 2, "missing")
        assert second[2:] == (None, 2, "null")
        served(server, {"ring": {"current": 0, "mode": "user"}})
        samples = await heard.samples()
        assert [s[2:] for s in samples] == [(0.0, 0, None), ("user", 0, None)]


async def test_a_page_that_is_not_json_makes_everything_unknown_is_kept_and_read_again(server: JsonServer) -> None:
    served(server, b"<html>We are moving</html>")
    async with hearing(source(server)) as heard:
        delivery = await heard.next()
        (rejection,) = delivery.rejected
        assert (rejection.cause, rejection.payload) == ("bad_json", server.body)
        assert int(delivery.batch.quality[0]) == 2
        served(server, {"ring": {"current": 200.5}})
        assert (await heard.samples())[0][2] == 200.5


async def test_texts_for_numbers_arrays_and_objects_are_rejected_not_converted(server: JsonServer) -> None:
    served(server, {"ring": {"current": "200.5"}, "mode": {"now": "user"}})
    async with hearing(source(server, CURRENT, {"pointer": "/mode", "signal": "machine_mode"})) as heard:
        delivery = await heard.next()
        assert delivery.batch is None
        assert [(r.cause, r.address) for r in delivery.rejected] == [
            ("wrong_type", "/mode"),
            ("wrong_type", "/ring/current"),
        ]


async def test_the_time_of_the_document_counts_and_what_was_not_renewed_is_not_stored_again(server: JsonServer) -> None:
    at = system_clock() - 5 * NS_PER_S
    served(server, {"ring": {"current": 200.5}, "t": at})
    async with hearing(source(server, time_pointer="/t", time_format="ns")) as heard:
        assert (await heard.samples())[0][:3] == ("stored_current", at, 200.5)
        served(server, {"ring": {"current": 200.5}, "t": at + 1})
        assert (await heard.samples())[0][:3] == ("stored_current", at + 1, 200.5)
        assert len(server.asked) >= 2


async def test_a_document_that_stopped_being_renewed_is_a_link_that_is_down_since_then(server: JsonServer) -> None:
    at = system_clock() - 60 * NS_PER_S
    served(server, {"s": "open", "t": at})
    shutter = {"pointer": "/s", "signal": "shutter_01"}
    async with hearing(source(server, shutter, time_pointer="/t", time_format="ns", max_age_s=30.0)) as heard:
        assert await heard.next() == LinkReport(at, "down", "not_renewed")
        await heard.samples()
        now = system_clock()
        served(server, {"s": "open", "t": now})
        report = await heard.next()
        assert (report.state, report.reason) == ("up", "not_renewed")
        # A state that did not change is known again from here on.
        assert [s[2] for s in await heard.samples()] == ["open", "open"]


async def test_a_document_that_is_known_is_not_sent_again_and_its_values_still_stand(server: JsonServer) -> None:
    served(server, {"ring": {"current": 200.5}})
    server.etag = '"v1"'
    async with hearing(source(server)) as heard:
        first = (await heard.samples())[0]
        again = (await heard.samples())[0]
    assert server.answers[:2] == [200, 304]
    assert server.asked[1]["if-none-match"] == '"v1"'
    assert (again[2], again[1] > first[1]) == (200.5, True)


async def test_when_a_server_fails_the_link_went_down_at_its_last_answer(server: JsonServer) -> None:
    served(server, {"ring": {"current": 200.5}})
    async with hearing(source(server, period_s=0.3, jitter=0.0)) as heard:
        answered = (await heard.samples())[0][1]
        server.status = 503
        report = await heard.next()
        assert (report.time_ns, report.state, report.reason) == (answered, "down", "not_answered")
        with pytest.raises(UnreachableError, match="answers 503"):
            await heard.next()


async def test_questions_come_at_their_period_give_or_take_the_jitter(server: JsonServer) -> None:
    served(server, {"ring": {"current": 200.5}})
    async with hearing(source(server, period_s=0.1, jitter=0.5)) as heard:
        times = [(await heard.samples())[0][1] for _ in range(8)]
    waits = [(b - a) / NS_PER_S for a, b in itertools.pairwise(times)]
    assert min(waits) >= 0.05
    assert len({round(w, 3) for w in waits}) > 1


@pytest.mark.parametrize(
    ("status", "headers", "error", "text"),
    [
        (401, {}, AuthorizationError, "token"),
        (403, {}, AuthorizationError, "token"),
        (404, {}, UnreachableError, "answers 404"),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, UnreachableError, "points to http://127.0.0.1:1/elsewhere"),
    ],
)
async def test_answers_that_are_no_document_say_what_to_do(
    server: JsonServer, status: int, headers: dict[str, str], error: type[KadoError], text: str
) -> None:
    server.status, server.headers = status, headers
    with pytest.raises(error, match=text):
        async with hearing(source(server)):
            pass


ATTACKS: dict[str, tuple[bytes, str | None]] = {
    "nested deep": (b"[" * 100_000, "bad_json"),
    "nothing": (b"", "bad_json"),
    "not UTF-8": (b"\xff\xfe\x00{}", "bad_json"),
    "a number of 5,000 digits": (b'{"ring": {"current": ' + b"9" * 5_000 + b"}}", "bad_json"),
    "a number of 400 digits": (b'{"ring": {"current": ' + b"9" * 400 + b"}}", None),
    "an endless number": (b'{"ring": {"current": 1e999}}', None),
    "a list": (b"[1, 2, 3]", None),
    "a value nested deep": (b'{"ring": {"current": ' + b"[" * 900 + b"]" * 900 + b"}}", "wrong_type"),
    "half a surrogate": (b'{"ring": {"current": "\\ud800"}}', "wrong_type"),
}


async def test_after_every_attack_the_next_document_is_read(server: JsonServer) -> None:
    served(server, {"ring": {"current": 0.5}})
    async with hearing(source(server)) as heard:
        await heard.next()
        for number, (body, cause) in enumerate(ATTACKS.values(), 1):
            served(server, body)
            causes: set[str] = set()
            async with asyncio.timeout(LONGEST_S):
                while cause is not None and cause not in causes:
                    causes |= {r.cause for r in (await heard.next()).rejected}
                served(server, {"ring": {"current": float(number)}})
                while float(number) not in (delivery := await heard.next()).batch.value.tolist():
                    assert "processing_failed" not in {r.cause for r in delivery.rejected}


async def test_a_document_on_which_the_reader_itself_fails_is_set_aside(
    server: JsonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_page = http_reader.read_page

    def failing(document: Any, *rest: Any) -> Any:
        if isinstance(document, dict) and "boom" in document:
            raise KeyError("boom")
        return read_page(document, *rest)

    monkeypatch.setattr(http_reader, "read_page", failing)
    served(server, {"boom": 1})
    async with hearing(source(server)) as heard:
        delivery = await heard.next()
        assert [r.cause for r in delivery.rejected] == ["processing_failed"]
        assert delivery.batch.quality.tolist() == [2]
        served(server, {"ring": {"current": 200.5}})
        async with asyncio.timeout(LONGEST_S):
            while (await heard.next()).batch.value.tolist() != [200.5]:
                pass


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
async def test_a_server_that_answers_a_byte_at_a_time_is_given_up(server: JsonServer, head: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            guest, _ = listening.accept()
            with guest, suppress(OSError):
                guest.sendall(head)
                while True:
                    guest.sendall(b"H")
                    time.sleep(0.02)

        dripping = threading.Thread(target=drip)
        dripping.start()
        spec = source(server, timeout_s=0.3)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x.json"
        with pytest.raises(UnreachableError, match=r"takes longer than timeout_s = 0\.3"):
            async with asyncio.timeout(LONGEST_S), hearing(spec.model_copy(update={"url": url})):
                pass
        await asyncio.to_thread(dripping.join, 60)
        assert not dripping.is_alive(), "the connection is still open"


async def test_a_document_that_ends_early_is_not_taken_for_the_whole(server: JsonServer) -> None:
    served(server, {"ring": {"current": 200.5}})
    server.headers = {"Content-Length": "1000"}
    with pytest.raises(UnreachableError, match="ended 972 bytes early"):
        async with hearing(source(server)):
            pass


async def test_a_document_that_is_too_large_is_not_read(server: JsonServer) -> None:
    served(server, b" " * 2000)
    with pytest.raises(UnreachableError, match="larger than the 1,000 bytes that are read: raise max_bytes"):
        async with hearing(source(server, max_bytes=1000)):
            pass


async def test_a_server_that_is_not_there_is_unreachable(server: JsonServer) -> None:
    server.stop()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        async with hearing(source(server)):
            pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    path = folder / "server.pem"
    subprocess.run(
        [require("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", path, "-out", folder / "ca.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (folder / "ca.pem").read_bytes())
    return path


async def test_a_token_is_sent_over_tls_to_a_server_whose_authority_is_known(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("PAGE_TOKEN", "s3cret")
    with JsonServer(certificate) as server:
        server.token = "s3cret"
        served(server, {"ring": {"current": 200.5}})
        ca = str(certificate.parent / "ca.pem")
        for options in ({"token_file": str(tmp_path / "token")}, {"token_env": "PAGE_TOKEN"}):
            async with hearing(source(server, ca_file=ca, **options)) as heard:
                assert (await heard.samples())[0][2] == 200.5
        with pytest.raises(AuthorizationError):
            async with hearing(source(server, ca_file=ca)):
                pass
        with pytest.raises(UnreachableError, match="certificate"):
            async with hearing(source(server, token_env="PAGE_TOKEN")):
                pass
        monkeypatch.setenv("PAGE_TOKEN", " ")
        with pytest.raises(ConfigError, match="holds no token"):
            async with hearing(source(server, ca_file=ca, token_env="PAGE_TOKEN")):
                pass


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"url": "ftp://x/y"}, "is not a document"),
        ({"url": "http://status.example.org/x", "token_env": "T"}, "https://"),
        ({"url": "https://me@status.example.org/x"}, "holds a user"),
        ({"url": "http://127.0.0.1/x", "ca_file": "x"}, "ca_file is for TLS"),
        ({"url": "https://x/y", "token_env": "T", "token_file": "t"}, "use one of them"),
        ({"url": "https://x/y", "time_pointer": "t"}, "begins with '/'"),
        ({"url": "https://x/y", "signal": [{"pointer": "/a~b", "signal": "x"}]}, "'~' in a key"),
    ],
)
def test_a_table_that_cannot_be_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        HttpSource.model_validate({"id": "page", "kind": "http", "signal": [CURRENT], **options})


async def test_five_thousand_signals_of_one_document_are_read_at_once(server: JsonServer) -> None:
    words = "".join(f'[[signal]]\nid = "n_{i:04}"\nperiod_s = 1.0\n' for i in range(5000))
    shipped = (Path(collector.__file__).parents[1] / "facility/profiles/nanoterasu_sim.toml").read_text("utf-8")
    profile = Profile.model_validate(tomllib.loads(shipped + words))
    served(server, {f"n_{i:04}": i for i in range(5000)})
    numbered = {"pointer": "/n_{port}", "signal": "n_{port}", "ports": ["0000..4999"]}
    async with hearing(source(server, numbered), profile) as heard:
        samples = await heard.samples()
    assert [s[2] for s in samples] == list(map(float, range(5000)))


# --- NanoTerasu's own form


def nanoterasu() -> dict[str, Any]:
    path = Path(collector.__file__).parent / "sources/http/nanoterasu_status.toml"
    (table,) = tomllib.loads(path.read_text(encoding="utf-8"))["source"]
    return table


TEN = ("02u", "06u", "07u", "08u", "08w", "09u", "09w", "10u", "13u", "14u")


async def test_the_shipped_example_reads_the_ten_main_beam_shutters_of_nanoterasu(server: JsonServer) -> None:
    signals = "".join(f'[[signal]]\nid = "mbs_{p}"\ntype = "state"\nwords = ["closed", "open"]\n' for p in TEN)
    shipped = (Path(collector.__file__).parents[1] / "facility/profiles/nanoterasu.toml").read_text("utf-8")
    profile = Profile.model_validate(tomllib.loads(shipped + signals))
    table = nanoterasu() | {"url": server.url, "period_s": 0.02}
    # The facility fills in what its integers mean; these two are made up here.
    table["signal"][0]["words"] = {"3": "open", "4": "closed"}
    spec = HttpSource.model_validate(table)
    assert spec.signals == tuple(f"mbs_{p}" for p in TEN)
    page = {f"bl_fe_{p}_mbs_1/status": {"res": [["x", 4], ["x", 3 if p < "09" else 4]]} for p in TEN if p != "13u"}
    served(server, page | {"safety_intlk_sr_di_systemkey/status": {"res": [["x", 1]]}})
    async with hearing(spec, profile) as heard:
        found = {s[0]: (s[2], s[4]) for s in await heard.samples()}
    expected = {f"mbs_{p}": ("open" if p < "09" else "closed", None) for p in TEN}
    assert found == expected | {"mbs_13u": (None, "missing")}


async def test_a_key_without_a_row_or_one_that_goes_away_is_unknown_and_never_a_number(server: JsonServer) -> None:
    key = "safety_intlk_sr_di_systemkey"
    mapped = {"pointer": f"/{key}~1status/res/-/1", "signal": "stored_current"}
    async with hearing(source(server, mapped)) as heard:
        # Of the document that was there on connecting, which is empty.
        assert (await heard.samples())[0][2:] == (None, 2, "missing")
        for page in (
            {f"{key}/status": {"res": [["x", 7]]}},
            {f"{key}/status": {"res": []}},
            {f"{key}/status": {"res": [["x", 8]]}},
            {"another/status": {"res": [["x", 9]]}},
        ):
            served(server, page)
            (sample,) = await heard.samples()
            rows = page.get(f"{key}/status", {"res": []})["res"]
            assert sample[2:] == ((float(rows[0][1]), 0, None) if rows else (None, 2, "missing"))


# --- Parts


def test_pointers_follow_rfc_6901() -> None:
    document = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, " ": 7}
    for pointer, value in {
        "": document,
        "/foo/0": "bar",
        "/": 0,
        "/a~1b": 1,
        "/m~0n": 8,
        "/ ": 7,
        "/foo/-": "baz",
    }.items():
        assert follow(document, parse_pointer(pointer)) == value
    for pointer in ("/nowhere", "/foo/2", "/foo/x", "/foo/0/1", "/foo/+1"):
        assert follow(document, parse_pointer(pointer)) is MISSING


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("2026-11-23T12:00:00.5+09:00", "iso8601", "2026-11-23T03:00:00.5Z"),
        ("2026-11-23T12:00:00", "iso8601", None),
        ("2026-11-23 12:00:00", "local", "2026-11-23T03:00:00Z"),
        ("2026/11/23 12:00:00", "local", "2026-11-23T03:00:00Z"),
        (1795402800, "s", "2026-11-23T03:00:00Z"),
        (1795402800.25, "s", "2026-11-23T03:00:00.25Z"),
        ("1795402800123", "ms", "2026-11-23T03:00:00.123Z"),
        (True, "s", None),
        (None, "s", None),
        (float("nan"), "s", None),
        ("soon", "local", None),
    ],
)
def test_times_are_read_as_the_document_writes_them(value: Any, form: Any, expected: str | None) -> None:
    assert read_time(value, form, TOKYO) == (0 if expected is None else parse_time(expected))


def test_a_local_time_in_the_hour_that_a_clock_shows_twice_is_not_believed() -> None:
    assert read_time("2026-10-25 02:30:00", "local", ZoneInfo("Europe/Zurich")) == 0
    assert read_time("2026-10-25 01:30:00", "local", ZoneInfo("Europe/Zurich")) != 0
