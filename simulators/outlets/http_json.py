"""The signals of a simulated machine over HTTP: pages of samples, the newest ones, and a stream of events."""

import asyncio
import json
import math
from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

import uvicorn
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from facility.batch import Batch
from facility.errors import ConfigError, KadoError, UsageError
from facility.sentence import Sentence
from facility.source import LinkReport
from facility.time import Clock, format_time, parse_time
from simulators.machine import Machine
from simulators.outlets.address import Address, listening, reach
from simulators.outlets.fault_words import ALL, fault_document
from simulators.outlets.outlet import Released
from simulators.outlets.request_body import BodyTooLargeError, BodyTooSlowError, read_body
from simulators.outlets.sample import Sample, samples_of
from simulators.outlets.sample_log import SampleLog

DEFAULT_PORT: Final = 8421
MOST_KEPT: Final = 5_000_000
"""Samples, some 115 MB: three weeks of a NanoTerasu."""
PAGE: Final = 1000
"""Samples in an answer, by default."""
LARGEST_PAGE: Final = 10_000
QUIET_S: Final = 15.0
"""A stream that has nothing to say says so after so long, so that both ends know that they are there."""
ENDED_WITHIN_S: Final = 2.0
"""A reader that has stopped reading is waited for no longer than this when the simulator ends."""


class _GoneError(UsageError):
    """What is asked for was dropped."""


class Injection(BaseModel):
    """The body of ``POST /inject``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    effect: str
    length_s: float | None = None
    reads: str | None = None
    shift_s: float | None = None


class Repairing(BaseModel):
    """The body of ``POST /repair``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    effect: str = ALL


class HttpJson:
    """Samples as kado's JSON; each has a number, by which a reader goes on where it was.

    What the link reports is said too: ``link`` in answers, an event of that name in the stream; while it is lost
    there are no samples.
    """

    answers_afterwards = True

    def __init__(self, url: str, machine: Machine, now: Clock, *, most_kept: int = MOST_KEPT) -> None:
        address = Address.parse(url, "http://127.0.0.1:8421")
        if address.path:
            raise ConfigError(
                Sentence(
                    "{url!r}: the paths are fixed (/signals, /samples, ...): leave {address!r} out",
                    url=url,
                    address=address.path,
                )
            )
        self._address = address
        self._machine = machine
        self._log = SampleLog(machine.signals, most_kept)
        self._links = [(0, LinkReport(now(), "up"))]
        self._released = Released()

    @property
    def notes(self) -> tuple[str, ...]:
        """The addresses to ask."""
        base = f"http://{self._address.host}:{self._address.port or DEFAULT_PORT}"
        return (
            f"JSON at {base}",
            f"  {base}/signals  what there is",
            f"  {base}/last     the newest sample of each signal",
            f"  {base}/samples  all in the order in which they went out: ?signal= &since= &until= &limit= &after=",
            f"  {base}/stream   the same as server-sent events, as they come",
            f"  {base}/inject   POST an effect, GET what is broken; /repair",
            *reach(self._address.host),
        )

    @property
    def released(self) -> Released:
        """What can be read until now."""
        return self._released

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Answer until the end of the context."""
        port = self._address.port or DEFAULT_PORT
        bound = listening(self._address.host, port, "HTTP", "choose another port: http://HOST:PORT")
        server = _Server(uvicorn.Config(self.application(), log_level="warning", lifespan="off", access_log=False))
        running = asyncio.create_task(server.serve(sockets=[bound]), name="HTTP")
        try:
            while not server.started and not running.done():  # noqa: ASYNC110 - no event is announced
                await asyncio.sleep(0.01)
            yield
        finally:
            self._log.close()
            server.should_exit = True
            await asyncio.wait({running}, timeout=ENDED_WITHIN_S)
            server.cut_off()
            await running
            bound.close()

    def show(self, standing: Sequence[Sample]) -> None:
        """Let ``/last`` have what stands at the start; ``/samples`` and ``/stream`` do not have it."""
        self._log.stand(standing)

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        """Log everything that the feed gives."""
        async for item in items:
            if isinstance(item, LinkReport):
                self._links.append((self._log.end, item))
                self._log.wake()
                continue
            samples = samples_of(item)
            self._log.append(item, samples)
            for sample in samples:
                self._released.count(sample)

    def application(self) -> Starlette:
        """Return the application, for a server or a test."""
        return Starlette(
            routes=[
                Route("/signals", _safe(self._signals)),
                Route("/last", _safe(self._last)),
                Route("/samples", _safe(self._samples)),
                Route("/stream", _safe(self._stream)),
                Route("/inject", _safe(self._faults), methods=["GET"]),
                Route("/inject", _safe(self._inject), methods=["POST"]),
                Route("/repair", _safe(self._repair), methods=["POST"]),
            ]
        )

    # ---------------------------------------------------------------- answers

    def _head(self) -> dict[str, object]:
        machine = self._machine
        about = {"facility": machine.profile.id, "scenario": machine.scenario.id, "seed": machine.seed}
        return {"simulated": True, **about, "link": _link_document(self._links[-1][1])}

    async def _signals(self, request: Request) -> Response:
        _only(request, ())
        signals = [self._machine.profile.signal(name) for name in self._machine.signals]
        return JSONResponse(
            {**self._head(), "signals": [s.model_dump(mode="json", exclude_defaults=True) for s in signals]}
        )

    async def _last(self, request: Request) -> Response:
        _only(request, ())
        newest = self._log.newest
        return JSONResponse({**self._head(), "last": {name: _document(sample) for name, sample in newest.items()}})

    async def _samples(self, request: Request) -> Response:
        _only(request, ("signal", "since", "until", "limit", "after"))
        asked = request.query_params
        limit = _whole(asked.get("limit", str(PAGE)), "limit", 1, LARGEST_PAGE)
        since, until = (parse_time(asked[name]) if name in asked else None for name in ("since", "until"))
        start = self._start(asked.get("after"))
        page = self._log.page(start, limit, signals=self._chosen(request), since_ns=since, until_ns=until)
        samples = [{"number": number, "signal": s.signal, **_document(s)} for number, s in page.samples]
        return JSONResponse({**self._head(), "samples": samples, "next": page.next, "more": page.more})

    async def _stream(self, request: Request) -> Response:
        _only(request, ("signal", "after"))
        given = request.headers.get("last-event-id")
        start, reported = self._log.end, len(self._links)
        if given is not None:
            start = self._start(str(_whole(given, "Last-Event-ID", 0, 2**63) + 1))
        elif "after" in request.query_params:
            start = self._start(request.query_params["after"])
        if start < self._log.end:
            reported = bisect_left(self._links, start, lo=1, key=lambda link: link[0])
        events = self._events(start, reported, self._chosen(request))
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _events(self, start: int, reported: int, signals: tuple[str, ...]) -> AsyncGenerator[str]:
        """Yield samples from number `start` on, and between them what the link reported from report `reported` on."""

        def reports(before: int) -> Generator[str]:
            nonlocal reported
            while reported < len(self._links) and self._links[reported][0] <= before:
                yield f"event: link\ndata: {json.dumps(_link_document(self._links[reported][1]))}\n\n"
                reported += 1

        yield f"event: about\ndata: {json.dumps(self._head())}\n\n"
        while True:
            if start < self._log.first:
                yield f"event: dropped\ndata: {json.dumps({'from': start, 'until': self._log.first})}\n\n"
                start = self._log.first
            page = self._log.page(start, PAGE, signals=signals)
            start = page.next
            for number, sample in page.samples:
                for report in reports(number):
                    yield report
                yield f"id: {number}\ndata: {json.dumps({'signal': sample.signal, **_document(sample)})}\n\n"
            for report in reports(start):
                yield report
            if start < self._log.end or reported < len(self._links):
                continue
            if self._log.closed:
                return
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._log.wait()
            except TimeoutError:
                yield ": nothing new\n\n"

    async def _faults(self, request: Request) -> Response:
        injection = self._machine.injection
        broken = list(map(fault_document, injection.active()))
        return JSONResponse({**self._head(), "effects": injection.effects, "broken": broken})

    async def _inject(self, request: Request) -> Response:
        asked = Injection.model_validate_json(await read_body(request))
        fault = self._machine.injection.inject(
            asked.effect, length_s=asked.length_s, reads=asked.reads, shift_s=asked.shift_s
        )
        return JSONResponse({**self._head(), "injected": fault_document(fault)}, 201)

    async def _repair(self, request: Request) -> Response:
        injection = self._machine.injection
        effect = Repairing.model_validate_json(await read_body(request) or b"{}").effect
        repaired = injection.clear() if effect == ALL else injection.repair(effect)
        return JSONResponse({**self._head(), "repaired": list(map(fault_document, repaired))})

    def _chosen(self, request: Request) -> tuple[str, ...]:
        signals = tuple(request.query_params.getlist("signal"))
        if unknown := [name for name in signals if name not in self._log.signals]:
            raise UsageError(
                Sentence(
                    "there is no signal {unknown!r}; there are {signals}",
                    unknown=unknown[0],
                    signals=", ".join(self._log.signals),
                )
            )
        return signals

    def _start(self, after: str | None) -> int:
        """Return the number from which to answer."""
        first, end = self._log.first, self._log.end
        if after is None:
            if first:
                raise _GoneError(
                    Sentence("the first {first} samples are no longer kept: ask with after={first}", first=first)
                )
            return first
        start = _whole(after, "after", 0, 2**63)
        if start < first:
            raise _GoneError(
                Sentence(
                    "samples before number {first} are no longer kept: ask with after={first}, not {start}",
                    first=first,
                    start=start,
                )
            )
        if start > end:
            raise UsageError(
                Sentence("after={start} was never given out: the next sample has number {end}", start=start, end=end)
            )
        return start


class _Server(uvicorn.Server):
    """Leaves the signals of the process to its owner."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def cut_off(self) -> None:
        """Drop the connections that are left; uvicorn's own time limit would print where each of them waits."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _safe(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Turn what is wrong with a request into a message and a status."""

    async def answered(request: Request) -> Response:
        try:
            if request.method != "GET" and not _of_this_server(request):
                return JSONResponse({"error": "a page of another server may not inject faults here"}, 403)
            return await answer(request)
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(map(str, wrong["loc"])) or "the body"
            return JSONResponse({"error": f"{where}: {wrong['msg']}"}, 400)
        except _GoneError as error:
            return JSONResponse({"error": str(error)}, 410)
        except BodyTooLargeError as error:
            return JSONResponse({"error": str(error)}, 413, {"Connection": "close"})
        except BodyTooSlowError as error:
            return JSONResponse({"error": str(error)}, 408, {"Connection": "close"})
        except KadoError as error:
            return JSONResponse({"error": str(error)}, 400)

    return answered


def _of_this_server(request: Request) -> bool:
    """Whether a request comes from a program, or from a page of this server, reached by a name that is its own."""
    origin = request.headers.get("origin")
    if origin is None:
        return True
    host = request.headers.get("host", "")
    if origin not in (f"http://{host}", f"https://{host}"):
        return False
    name = urlsplit(f"//{host}").hostname or ""
    # A foreign name that resolves to this address would make another page look like ours.
    return name == "localhost" or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _document(sample: Sample) -> dict[str, object]:
    document = sample.document()
    if isinstance(sample.value, float) and math.isnan(sample.value):
        document["value"] = None
    return document


def _link_document(link: LinkReport) -> dict[str, Literal["up", "down"] | str]:
    return {"state": link.state, "since": format_time(link.time_ns)}


def _only(request: Request, known: tuple[str, ...]) -> None:
    if strange := [name for name in request.query_params if name not in known]:
        raise UsageError(
            Sentence(
                "there is no parameter {strange!r}; there are {known}",
                strange=strange[0],
                known=", ".join(known) or Sentence("none"),
            )
        )


def _whole(text: str, name: str, least: int, most: int) -> int:
    # Python reads integers of at most 4,300 digits.
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not least <= int(text) <= most:
        raise UsageError(
            Sentence(
                "{name}={text!r} is not a whole number from {least} to {most}",
                name=name,
                text=text[:40],
                least=least,
                most=most,
            )
        )
    return int(text)
