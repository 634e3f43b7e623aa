"""Sends by Apprise 2 (extra ``notify``): e-mail and some hundred services."""

import asyncio
import importlib
import logging
from datetime import tzinfo
from typing import Any

from facility.errors import ConfigError, MissingExtraError
from facility.sentence import Sentence
from kado.language import in_language
from kado.notification_settings import AppriseTarget
from kado.service.notification.apprise_policy import Message, Rhythm, SentAlarm, plan_message
from kado.service.notification.delivery import TAKEN, Delivery
from kado.service.notification.notice import Notice
from storage.telemetry_db.alarm_notifications import NotificationFile


class AppriseService:
    """One service of Apprise; `open` one."""

    def __init__(self, apprise: Any, notifier: Any, timeout_s: float) -> None:
        self._apprise = apprise
        self._notifier = notifier
        self._timeout_s = timeout_s

    @classmethod
    def open(cls, target: AppriseTarget, address: str) -> "AppriseService":
        """Make ready what an address names.

        Raises
        ------
        MissingExtraError
            If Apprise is not installed.
        ConfigError
            If Apprise does not know the address, or it names several services.
        """
        try:
            apprise: Any = importlib.import_module("apprise")
        except ImportError as error:
            raise MissingExtraError(
                Sentence(
                    "[[alarms.target]] {target}: kind = \"apprise\" needs Apprise: pip install 'kado[notify]'",
                    target=target.id,
                )
            ) from error
        # Its own log would hold addresses, and with them secrets.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        notifier = apprise.Apprise()
        if not notifier.add(address) or len(notifier) != 1:
            raise ConfigError(
                Sentence(
                    "[[alarms.target]] {target}: Apprise does not know the address, or it names several "
                    "services: write one address in Apprise's form; for several services make several "
                    "targets",
                    target=target.id,
                )
            )
        return cls(apprise, notifier, target.timeout_s)

    @property
    def server(self) -> tuple[str, int] | None:
        """Host and port of the server that its address names; None: Apprise knows where it is, or there is none."""
        service = self._notifier[0]
        host, port = getattr(service, "smtp_host", None) or service.host, service.port
        return (str(host), int(port)) if host and port else None

    def send(self, message: Message) -> Delivery:
        """Send one message, under a timeout."""
        kind = self._apprise.NotifyType.WARNING if message.urgent else self._apprise.NotifyType.INFO
        try:
            return asyncio.run(self._send(message, kind))
        except Exception as error:  # whatever goes wrong inside a plugin, collection goes on
            return Delivery(False, f"Apprise failed with {type(error).__name__}")

    async def _send(self, message: Message, kind: Any) -> Delivery:
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._notifier.async_notify(
                    title=message.subject, body=message.body, notify_type=kind, body_format="text"
                )
        except TimeoutError:
            return Delivery(False, f"no answer within {self._timeout_s:g} s")
        if result:
            return TAKEN
        if result.status == self._apprise.AppriseResultStatus.NOMATCH:
            return Delivery(False, "Apprise finds no service for its address: correct url or url_file", False)
        # What Apprise logged of it may hold the address, and with it a secret.
        return Delivery(False, f"its service did not take the message ({result.status.name.lower()})")


class AppriseSender:
    """Sends messages in order, and settles each once it was taken."""

    def __init__(
        self, target: AppriseTarget, service: AppriseService, file: NotificationFile, zone: tzinfo, link: str | None
    ) -> None:
        self._target = target
        self._service = service
        self._file = file
        self._zone = zone
        self._rhythm = Rhythm(target.group_s, target.repeat_s, link)
        self._sent = {alarm: SentAlarm.from_json(text) for alarm, text in file.sent(target.id).items()}

    def step(self, now_ns: int) -> Delivery | None:
        """Send the next message that is due; None: none is."""
        rows = self._file.waiting(self._target.id)
        waiting = [(row.id, row.created_ns, Notice.from_json(row.text)) for row in rows]
        with in_language(self._target.lang):
            message = plan_message(waiting, self._sent, now_ns, self._zone, self._rhythm)
        if message is None:
            return None
        answer = self._service.send(message) if message.subject else TAKEN
        if answer.taken:
            kept = {alarm: None if one is None else one.to_json() for alarm, one in message.sent.items()}
            self._file.settle(self._target.id, message.ids, kept)
            for alarm, one in message.sent.items():
                if one is None:
                    self._sent.pop(alarm, None)
                else:
                    self._sent[alarm] = one
        return answer
