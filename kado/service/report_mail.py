"""Sends a draft by e-mail."""

import smtplib
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

from facility.errors import ConfigError
from facility.text import SIMULATED
from kado.config import Configuration, MailSettings
from kado.language import in_language, tr, words
from kado.queries.drafts import Draft

TIMEOUT_S: Final = 60


def send_draft(configuration: Configuration, mail: MailSettings, draft: Draft) -> None:
    """Send a draft to all recipients, in the language of the draft.

    Raises
    ------
    OSError
        If the server cannot be reached or refuses (`smtplib.SMTPException` is one).
    ConfigError
        If the password file cannot be read.
    """
    address = urlsplit(mail.smtp)
    with in_language(configuration.settings.report.lang):
        message = _message(configuration, mail, draft)
    kind = smtplib.SMTP_SSL if address.scheme == "smtps" else smtplib.SMTP
    port = address.port or (465 if address.scheme == "smtps" else 25)
    with kind(address.hostname or "localhost", port, timeout=TIMEOUT_S) as server:
        if mail.starttls:
            server.starttls()
        if mail.user is not None and mail.password_file is not None:
            path = configuration.folder / mail.password_file
            try:
                password = path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"[report] mail: password file {path} cannot be read: {error.strerror}") from error
            server.login(mail.user, password)
        server.send_message(message)


def _message(configuration: Configuration, mail: MailSettings, draft: Draft) -> EmailMessage:
    profile = configuration.profile
    mark = f"[{SIMULATED.in_language(configuration.settings.report.lang)}] " if profile.simulated else ""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = mark + tr(
        "{facility}: draft of the availability report {period}", facility=words(profile.name), period=draft.period
    )
    message.set_content(
        tr(
            "The draft of the availability report of {period} is attached. Corrections and incidents that are recorded "
            "until {until} enter the report. It is issued with: kado report issue {period}",
            period=draft.period,
            until=draft.open_until.isoformat(),
        )
    )
    content = draft.path.read_bytes()
    message.add_attachment(content, maintype="application", subtype="pdf", filename=draft.path.name)
    return message
