"""Forwards the outbox to InfluxDB, in order; a blob stays until the server has confirmed it."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from collector.changes import Changes
from collector.delivery_policy import Action, Decision, DeliveryPolicy
from collector.forwarder_status import ForwarderState, ForwarderStatus
from collector.sending import Interruption, Sender, Sent
from facility.errors import DiskError, KadoError, UnreachableError
from facility.time import NS_PER_DAY, NS_PER_S, Clock
from storage.disk_reserve import Reserve
from storage.influxdb.client import BucketInfo, InfluxClient, WriteAnswer
from storage.influxdb.touching import days_of_lines, touches
from storage.telemetry_db import open_writer
from storage.telemetry_db.commits import shrink_log
from storage.telemetry_db.delivered import note_expired
from storage.telemetry_db.outbox import Blob, next_group
from storage.telemetry_db.settlement import Outcome, note_rewritten, set_aside, settle

_LOG: Final = logging.getLogger(__name__)

CANARY: Final = "kado_canary"
"""InfluxDB measurement of points that only show whether the bucket takes points at all."""

_IDLE_S: Final = 0.1
_RETENTION_AGE_NS: Final = 600 * NS_PER_S
_CLOCKS_AGREE_NS: Final = 60 * NS_PER_S
"""So far apart may two clocks be that are both right."""


class Forwarder:
    """Sends what waits in a data directory's outbox to one bucket of InfluxDB, in order, one request at a time.

    Contract: for the process that holds the directory's lock, one forwarder a directory. `run` without end on an event
    loop, or `drain` in a thread, not both at once; then `close`. A blob leaves the outbox in the transaction that
    counts what became of it, and only after the server has confirmed it: after a crash it is sent again,
    which changes nothing, since the same points have the same names. Nothing is given up because a server is away,
    refuses our token, or lacks the bucket.

    What may rewrite something is compared with what the server holds, before it is sent for the first time; that
    number is durable before the first attempt, so that points of an attempt without an answer are never taken for
    those of another writer.

    Parameters
    ----------
    data_dir, facility
        Whose outbox.
    client
        The bucket; used by the forwarder alone, and closed with it.
    clock
        For retention, status and canaries.
    policy
        How long it waits after each answer.
    max_lines
        In one request.
    changes
        Notes what the server has taken.
    """

    def __init__(
        self,
        data_dir: Path,
        facility: str,
        client: InfluxClient,
        clock: Clock,
        policy: DeliveryPolicy,
        *,
        max_lines: int = 20_000,
        changes: Changes | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._facility = facility
        self._client = client
        self._clock = clock
        self._policy = policy
        self._changes = changes
        self._sender = Sender(self._write, policy, self._canary, max_lines=max_lines)
        self._connection: sqlite3.Connection | None = None
        self._reserve = Reserve(data_dir)
        self._stopping = threading.Event()
        self._problem: KadoError | None = None
        self._answers: Counter[str] = Counter({"2xx": 0, "4xx": 0, "5xx": 0, "none": 0})
        self._samples = 0
        self._too_old_before_ns: int | None = None
        self._asked_at_ns: int | None = None
        self._touches = b""
        self._status = ForwarderStatus(ForwarderState.IDLE, clock())

    def status(self) -> ForwarderStatus:
        """Return how forwarding stands; does not wait, and may be called from any thread."""
        return self._status

    async def run(self) -> None:
        """Forward without end; everything that waits for disk or network does so in a thread of its own.

        When it is cancelled it ends with the request in flight, at the latest after the client's timeout.
        """
        self._stopping.clear()
        executor = ThreadPoolExecutor(1, thread_name_prefix="forwarder")
        loop = asyncio.get_running_loop()
        try:
            while True:
                pause_s = await loop.run_in_executor(executor, self._step)
                await asyncio.sleep(pause_s)
        finally:
            self._stopping.set()
            await asyncio.to_thread(executor.shutdown)

    def drain(self, patience_s: float = 60.0) -> None:
        """Forward until nothing waits, blocking; for a command that ends.

        Raises
        ------
        KadoError
            If operator action is needed, or the server could not take anything for `patience_s`. What
            is left stays in the outbox, and the next run forwards it.
        """
        self._stopping.clear()
        deadline = time.monotonic() + patience_s
        while True:
            pause_s = self._step()
            if self._status.state is ForwarderState.IDLE:
                return
            if self._problem is None:
                deadline = time.monotonic() + patience_s
            elif self._status.state is ForwarderState.HOLDING or time.monotonic() + pause_s > deadline:
                rest = f"what could not be forwarded waits in {self._data_dir}; `kado run` goes on with it"
                raise type(self._problem)(f"{self._problem}\n{rest}")
            time.sleep(pause_s)

    def close(self) -> None:
        """Close the connections to file and server; call when neither `run` nor `drain` is running."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Everything below runs in one thread at a time.

    def _step(self) -> float:
        """Forward what can go together next; return how long to wait before the step after it."""
        try:
            return self._forward_next()
        except DiskError as error:
            # The outbox drains on a full disk, too: the next attempt has the reserve.
            if not self._reserve.give_up():
                return self._interrupted(error, retry=True)
            self._enter(ForwarderState.SENDING)
            return 0.0
        except UnreachableError as error:
            return self._interrupted(error, retry=error.retryable)
        except KadoError as error:
            return self._interrupted(error, retry=False)

    def _forward_next(self) -> float:
        if self._connection is None:
            self._connection = open_writer(self._data_dir, self._facility, "influxdb", self._clock(), any_thread=True)
        group = next_group(self._connection, self._sender.max_lines)
        if not group:
            self._enter(ForwarderState.IDLE)
            return _IDLE_S
        if not group[0].intact:
            _LOG.error(
                "%s is not what landed (its checksum is wrong): set aside as a dead letter, its samples are lost",
                group[0].describe(),
            )
            set_aside(self._connection, group[0], self._clock())
            self._enter(ForwarderState.SENDING)
            return 0.0
        oldest_ns = self._oldest_ns(self._connection)
        drafts = [_Draft.of(blob, oldest_ns) for blob in group]
        self._touches = self._touched(drafts)
        if group[0].may_rewrite and drafts[0].lines:
            drafts[0] = self._compared(self._connection, drafts[0])
        result = self._sender.send([line for draft in drafts for line in draft.lines], self._status.failures)
        if isinstance(result, Interruption):
            retry = result.decision.action is Action.RETRY
            return self._interrupted(self._client.problem(result.answer), retry=retry, decision=result.decision)
        outcomes = _outcomes(drafts, result)
        settle(self._connection, outcomes, self._clock())
        if not self._reserve.held:
            # Without the reserve the log must not grow.
            shrink_log(self._connection, self._data_dir)
        self._delivered(outcomes)
        return 0.0

    def _compared(self, connection: sqlite3.Connection, draft: "_Draft") -> "_Draft":
        """Find out what the server holds of a draft, once for the ledger, and clear what would stay behind."""
        # Arrow is heavy to import, and most of what is sent is new.
        from storage.influxdb.existing_points import clear_stale, find_held, signals_between
        from storage.influxdb.line_protocol import decode

        blob = draft.blob
        # Late data mostly goes where there is nothing yet, and need not be taken apart to know that.
        some = signals_between(self._client, self._facility, blob.first_ns, blob.last_ns)
        held = find_held(self._client, decode(b"".join(draft.lines))) if some else []
        if blob.rewritten is None:
            points = {(one.signal, day): n for one in held for day, n in one.days}
            rewritten = note_rewritten(connection, blob, points, {one.signal: one.conflicts for one in held})
            draft = replace(draft, blob=replace(blob, rewritten=rewritten))
        clear_stale(self._client, self._facility, held)
        return draft

    def _touched(self, drafts: list["_Draft"]) -> bytes:
        """Return marks on the days of drafts that are over, whose minutes are to be aggregated again."""
        now = self._clock()
        days: set[tuple[str, int]] = set()
        for draft in drafts:
            first, last = draft.blob.first_ns // NS_PER_DAY, draft.blob.last_ns // NS_PER_DAY
            if not draft.lines or first >= now // NS_PER_DAY:
                continue
            # Mostly all is of one day, and need not be taken apart to know that.
            one_day = {(signal, first) for _, signal, _ in draft.blob.counts}
            days |= one_day if first == last else days_of_lines(draft.lines)
        return touches(self._facility, days, now)

    def _oldest_ns(self, connection: sqlite3.Connection) -> int | None:
        """Return the instant before which the bucket keeps nothing, if there is one and we may know it.

        The server's own clock decides, and only where ours agrees with it: else the answers to writes show it.
        """
        now = self._clock()
        if self._asked_at_ns is None or not 0 <= now - self._asked_at_ns < _RETENTION_AGE_NS:
            self._too_old_before_ns = None
            try:
                info = self._client.bucket_info()
            except UnreachableError as error:
                # A token that may only write points cannot look; then the answers to writes show it.
                if error.retryable:
                    raise
            else:
                self._too_old_before_ns = self._bound(info, now)
                self._note_expired(connection, info)
            self._asked_at_ns = now
        return self._too_old_before_ns

    def _note_expired(self, connection: sqlite3.Connection, info: BucketInfo) -> None:
        """Count what the bucket's own retention has deleted by now."""
        day = info.gone_before_day
        if day is not None and (n := note_expired(connection, day)):
            _LOG.info("the retention of bucket %s has deleted %d samples", self._client.bucket, n)

    def _bound(self, info: BucketInfo, now: int) -> int | None:
        if info.retention_ns is None or info.server_ns is None:
            return None
        apart_ns = now - info.server_ns
        if abs(apart_ns) > _CLOCKS_AGREE_NS:
            _LOG.warning(
                "the clock here and that of InfluxDB at %s are %.0f s apart: what is too old for bucket %s is left to"
                " InfluxDB; set the clocks (NTP)", self._client.url, apart_ns / NS_PER_S, self._client.bucket,
            )  # fmt: skip
            return None
        return info.kept_from_ns

    def _write(self, lines: bytes) -> WriteAnswer:
        if self._stopping.is_set():
            return WriteAnswer(None, "stopped")
        answer = self._client.write(self._touches + lines)
        self._answers[answer.group] += 1
        return answer

    def answers(self) -> dict[str, int]:
        """Return how many answers of each class there were since the start: ``2xx``, ``4xx``, ``5xx``, ``none``."""
        return dict(self._answers)

    def _canary(self) -> bytes:
        return f"{CANARY},facility={self._facility} ok=true {self._clock()}\n".encode()

    def _delivered(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if self._changes is not None:
                for signal in {signal for _, signal, _ in outcome.blob.counts}:
                    self._changes.note(signal, outcome.blob.first_ns, outcome.blob.last_ns)
            if outcome.refused:
                line, words = outcome.refused[0]
                _LOG.error(
                    "InfluxDB refuses %d points of %s, kept as dead letters; the first: %s (%s)",
                    len(outcome.refused), outcome.blob.describe(), line.decode().strip(), words,
                )  # fmt: skip
            if outcome.too_old:
                _LOG.warning(
                    "%d points of %s are older than bucket %s keeps them: dropped and counted",
                    len(outcome.too_old), outcome.blob.describe(), self._client.bucket,
                )  # fmt: skip
        if self._problem is not None:
            _LOG.info("InfluxDB at %s takes points again", self._client.url)
        self._problem = None
        self._samples += sum(o.blob.samples for o in outcomes)
        self._enter(ForwarderState.SENDING)

    def _interrupted(self, problem: KadoError, *, retry: bool, decision: Decision | None = None) -> float:
        failures = self._status.failures
        if decision is None:
            no_answer = WriteAnswer(None)
            decision = self._policy.decide(no_answer, failures) if retry else self._policy.hold(no_answer)
        if self._stopping.is_set():
            return decision.pause_s
        if str(problem) != self._status.problem:
            _LOG.log(logging.WARNING if retry else logging.ERROR, "%s", problem)
        self._problem = problem
        # The bucket may be another one when the server is back.
        self._asked_at_ns = None
        self._enter(
            ForwarderState.RETRYING if retry else ForwarderState.HOLDING,
            problem=str(problem),
            failures=failures + 1,
        )
        return decision.pause_s

    def _enter(self, state: ForwarderState, *, problem: str = "", failures: int = 0) -> None:
        before = self._status
        since_ns = before.since_ns if state is before.state else self._clock()
        # In one step: others read it at any time.
        self._status = ForwarderStatus(state, since_ns, problem, failures, self._samples)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A blob as it is to be sent."""

    blob: Blob
    lines: list[bytes]
    too_old: list[bytes]

    @classmethod
    def of(cls, blob: Blob, oldest_ns: int | None) -> "_Draft":
        lines = blob.lines.splitlines(keepends=True)
        if oldest_ns is None or blob.first_ns >= oldest_ns:
            return cls(blob, lines, [])
        times = [int(line[line.rindex(b" ") :]) for line in lines]
        return cls(
            blob,
            [line for line, time_ns in zip(lines, times, strict=True) if time_ns >= oldest_ns],
            [line for line, time_ns in zip(lines, times, strict=True) if time_ns < oldest_ns],
        )


def _outcomes(drafts: list[_Draft], sent: Sent) -> list[Outcome]:
    """Return the outcome of each blob; places in `sent` run on from draft to draft."""
    outcomes: list[Outcome] = []
    first = 0
    for draft in drafts:
        here = range(first, first + len(draft.lines))
        refused = [(draft.lines[place - first], words) for place, words in sent.refused.items() if place in here]
        too_old = [draft.lines[place - first] for place in sent.too_old if place in here]
        outcomes.append(Outcome(draft.blob, refused, draft.too_old + too_old))
        first += len(draft.lines)
    return outcomes
