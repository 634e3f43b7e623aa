"""Sends what is in the outbox: one thread a target, so that none waits for another."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from collector.backoff import Backoff
from facility.errors import KadoError
from facility.time import NS_PER_S, Clock
from kado.config import Configuration
from kado.notification_settings import AlertmanagerTarget
from kado.service.notification.alertmanager import AlertmanagerClient, AlertmanagerSender
from kado.service.notification.apprise_sender import AppriseSender, AppriseService
from kado.service.notification.delivery import Sender
from kado.service.notification.routing import Target
from storage.telemetry_db.alarm_notifications import NotificationFile

_LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 1.0
_BASE_S: Final = 1.0
_CAP_S: Final = 300.0


class TargetRunner:
    """Sends to one target, again and again until it takes what is sent; everything in one thread of its own."""

    def __init__(
        self, target: Target, file: NotificationFile, sender: Sender, clock: Clock, rng: random.Random
    ) -> None:
        self.target = target
        self.results: Counter[str] = Counter({"sent": 0, "failed": 0})
        self.oldest_due_ns: int | None = None
        """Since when the oldest row waits; None: nothing waits."""
        self.outbox = file
        self._sender = sender
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(rng, base_s=_BASE_S, cap_s=_CAP_S)
        self._problem = ""

    def step(self) -> float:
        """Send what is due, and return how many seconds to wait before the next step."""
        try:
            answer = self._sender.step(self._clock())
            self.oldest_due_ns = self.outbox.oldest_due_ns(self.target.id)
        except KadoError as error:
            self._say(str(error))
            return self._backoff.wait_s(0.0, retryable=error.retryable)
        if answer is None:
            return EVERY_S
        if answer.taken:
            self.results["sent"] += 1
            if self._problem:
                _LOG.info("notification target %s takes messages again", self.target.id)
            self._problem = ""
            self._backoff = Backoff(self._rng, base_s=_BASE_S, cap_s=_CAP_S)
            return 0.0
        self.results["failed"] += 1
        self._say(answer.problem)
        wait_s = self._backoff.wait_s(0.0, retryable=answer.retryable)
        return max(wait_s, answer.retry_after_s or 0.0)

    def close(self) -> None:
        """Close its connection to the outbox."""
        self.outbox.close()

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            _LOG.warning("notification target %s: %s; it is tried again", self.target.id, problem)
        self._problem = problem


class Notifications:
    """The senders of one service.

    Contract: open with `Notifications.open` before anything runs, then `run` once, beside everything else.
    """

    def __init__(self, runners: list[TargetRunner], clock: Clock) -> None:
        self.runners = runners
        self._clock = clock

    @classmethod
    def open(cls, configuration: Configuration, clock: Clock, rng: random.Random) -> "Notifications":
        """Make a sender for each target.

        Raises
        ------
        ConfigError
            If a secret cannot be read, or Apprise does not know the kind of an address.
        MissingExtraError
            If a target needs Apprise, and it is not installed.
        """
        settings = configuration.settings.alarms
        assert settings is not None
        runners: list[TargetRunner] = []
        facility, kind = configuration.profile.id, configuration.store.kind
        try:
            for target in settings.target:
                make = _maker(target, configuration, settings.link)
                file = NotificationFile.open(configuration.data_dir, facility, kind, clock())
                runners.append(TargetRunner(target, file, make(file), clock, random.Random(rng.random())))
            if runners and (gone := runners[0].outbox.keep_targets([t.id for t in settings.target])):
                _LOG.warning("%d notifications for targets that are not configured any more were removed", gone)
        except BaseException:
            for runner in runners:
                runner.close()
            raise
        return cls(runners, clock)

    def oldest_s(self) -> float | None:
        """Return the age of the oldest notification that no target has taken, seconds; 0: none waits."""
        return max((self.age_s(runner) for runner in self.runners), default=None)

    def age_s(self, runner: TargetRunner) -> float:
        """Return the age of the oldest notification that waits for a target, seconds."""
        due = runner.oldest_due_ns
        return 0.0 if due is None else max(0.0, (self._clock() - due) / NS_PER_S)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for runner in self.runners:
                tasks.create_task(_run(runner), name=f"notify {runner.target.id}")


async def _run(runner: TargetRunner) -> None:
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1, thread_name_prefix=f"notify-{runner.target.id}")
    try:
        while True:
            wait_s = await loop.run_in_executor(executor, runner.step)
            await asyncio.sleep(wait_s)
    finally:
        await loop.run_in_executor(executor, runner.close)
        await asyncio.to_thread(executor.shutdown)


def _maker(target: Target, configuration: Configuration, link: str | None) -> Callable[[NotificationFile], Sender]:
    zone = configuration.profile.zone
    if isinstance(target, AlertmanagerTarget):
        client = AlertmanagerClient(target, target.token(configuration.folder))
        return lambda file: AlertmanagerSender(target, client, file, zone, link)
    service = AppriseService.open(target, target.address(configuration.folder))
    return lambda file: AppriseSender(target, service, file, zone, link)
