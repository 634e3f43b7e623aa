"""Sends to an Alertmanager by its API of version 2."""

import http.client
import json
from collections.abc import Sequence
from datetime import tzinfo
from email.message import Message
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from kado.language import in_language
from kado.notification_settings import AlertmanagerTarget
from kado.service.notification.alertmanager_policy import SentAlert, plan_post
from kado.service.notification.delivery import TAKEN, Delivery
from kado.service.notification.notice import Notice
from storage.telemetry_db.alarm_notifications import NotificationFile

_MOST_REPLY: Final = 4096
_LONGEST_MESSAGE: Final = 300
_MOST_ALERTS: Final = 500
"""In one request."""


class AlertmanagerClient:
    """Posts alerts; each call makes a connection of its own."""

    def __init__(self, target: AlertmanagerTarget, token: str | None) -> None:
        parts = urlsplit(target.url)
        self._https = parts.scheme == "https"
        self._host, self._port = parts.hostname or "localhost", parts.port
        self._api = parts.path.rstrip("/") + "/api/v2"
        self._timeout_s = target.timeout_s
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def post(self, alerts: Sequence[dict[str, Any]]) -> Delivery:
        """Post alerts; a reply is read up to a limit."""
        for start in range(0, len(alerts), _MOST_ALERTS):
            answer = self._post(alerts[start : start + _MOST_ALERTS])
            if not answer.taken:
                return answer
        return TAKEN

    def reach(self) -> Delivery:
        """Ask for its state; nothing is posted."""
        return self._ask("GET", "/status")

    def _post(self, alerts: Sequence[dict[str, Any]]) -> Delivery:
        return self._ask("POST", "/alerts", json.dumps(alerts, ensure_ascii=False).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Delivery:
        kind = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, self._api + path, body, self._headers)
            reply = connection.getresponse()
            text = " ".join(reply.read(_MOST_REPLY).decode(errors="replace").split())[:_LONGEST_MESSAGE]
            if reply.status == 200:
                return TAKEN
            passing = reply.status in (408, 429) or reply.status >= 500
            wait_s = _wait_s(reply.headers)
            return Delivery(False, f"it answered {reply.status} {text or reply.reason}", passing, wait_s)
        except (OSError, http.client.HTTPException) as error:
            return Delivery(False, f"it cannot be reached: {error or type(error).__name__}")
        finally:
            connection.close()


LONGEST_WAIT_S: Final = 3600.0


class AlertmanagerSender:
    """Sends the changes of alarms and their repeats, and settles them once they were taken."""

    def __init__(
        self,
        target: AlertmanagerTarget,
        client: AlertmanagerClient,
        file: NotificationFile,
        zone: tzinfo,
        link: str | None,
    ) -> None:
        self._target = target
        self._client = client
        self._file = file
        self._zone = zone
        self._link = link
        self._sent = {alarm: SentAlert.from_json(text) for alarm, text in file.sent(target.id).items()}

    def step(self, now_ns: int) -> Delivery | None:
        """Send what is due now; None: nothing is due."""
        rows = self._file.waiting(self._target.id)
        waiting = [(row.id, row.created_ns, Notice.from_json(row.text)) for row in rows]
        with in_language(self._target.lang):
            post = plan_post(waiting, self._sent, now_ns, self._zone, self._link)
        if not post.alerts and not post.ids and not post.sent:
            return None
        answer = self._client.post(post.alerts) if post.alerts else TAKEN
        if answer.taken:
            kept = {alarm: None if alert is None else alert.to_json() for alarm, alert in post.sent.items()}
            self._file.settle(self._target.id, post.ids, kept)
            for alarm, alert in post.sent.items():
                if alert is None:
                    self._sent.pop(alarm, None)
                else:
                    self._sent[alarm] = alert
        return answer


def _wait_s(headers: Message) -> float | None:
    """Read Retry-After, seconds or a date by the server's own clock; at most an hour, None where it says nothing."""
    text = headers["Retry-After"]
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers["Date"])
            seconds = (until - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if isfinite(seconds) else None
