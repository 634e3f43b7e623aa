"""Sends a draft by e-mail."""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

from facility.errors import ConfigError
from facility.sentence import Sentence
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
        If the server cannot be reached or refuses (`smtplib.SMTPException` is one), or its certificate is not trusted.
    ConfigError
        If the password file, or `ca_file`, cannot be read.
    """
    address = urlsplit(mail.smtp)
    with in_language(configuration.settings.report.lang):
        message = _message(configuration, mail, draft)
    host, implicit = address.hostname or "localhost", address.scheme == "smtps"
    tls = _tls(configuration, mail) if implicit or mail.starttls else None
    password = _password(configuration, mail)
    if implicit:
        server = smtplib.SMTP_SSL(host, address.port or 465, timeout=TIMEOUT_S, context=tls)
    else:
        server = smtplib.SMTP(host, address.port or 25, timeout=TIMEOUT_S)
    with server:
        if mail.starttls:
            server.starttls(context=tls)
        if mail.user is not None and password is not None:
            server.login(mail.user, password)
        server.send_message(message)


def _tls(configuration: Configuration, mail: MailSettings) -> ssl.SSLContext:
    """Return what a server must show: without it smtplib takes any certificate, and would give it the password."""
    path = None if mail.ca_file is None else configuration.folder / mail.ca_file
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ConfigError(
            Sentence("[report] mail: ca_file {path} cannot be read: {error}", path=path, error=error)
        ) from error


def _password(configuration: Configuration, mail: MailSettings) -> str | None:
    if mail.password_file is None:
        return None
    path = configuration.folder / mail.password_file
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Sentence("[report] mail: password file {path} cannot be read: {error}", path=path, error=error)
        ) from error


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
