"""The draft of last month: made on the first at the set hour, handed over, shown in the status."""

import email.message
import logging
import ssl
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult, LoginPassword

from command_line import Kado
from facility.errors import ConfigError
from facility.time import parse_time
from kado.config import load_configuration
from kado.queries.drafts import Draft, load_drafts
from kado.queries.secret_files import open_secret_files
from kado.service.report_drafts import DraftError, ReportDrafts
from kado.service.report_mail import send_draft
from mail_server import MailServer
from servers import free_port, require

FIRST = "2026-12-01T{}:00+09:00"


def settings(text: str) -> None:
    with Path("kado.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[report]\ndraft_at = "09:00"\nlang = "en"\n{text}')


def drafts(at: str) -> ReportDrafts:
    return ReportDrafts(load_configuration(), lambda: parse_time(at))


def test_nothing_is_due_before_the_set_hour(simulated: Kado) -> None:
    settings("")
    assert drafts(FIRST.format("08:59")).due() is None
    due = drafts(FIRST.format("09:00")).due()
    assert due is not None
    assert due.id == "2026-11"
    late = drafts("2026-12-24T23:00:00+09:00").due()
    assert late == due, "a service that starts late makes up for it"


def test_a_draft_is_made_once_and_shown_in_the_status(simulated: Kado) -> None:
    settings("corrections_days = 5\n")
    drafts(FIRST.format("09:00")).work()
    (draft,) = load_drafts(load_configuration())
    assert draft.path.read_bytes().startswith(b"%PDF")
    assert (draft.period, draft.open_until, draft.handed_over) == ("2026-11", date(2026, 12, 6), True)
    made = draft.path.stat().st_mtime_ns
    drafts(FIRST.format("10:00")).work()
    assert draft.path.stat().st_mtime_ns == made
    assert "corrections can enter until 2026-12-06" in simulated("status", "--lang", "en").out
    assert simulated("status", "--format", "json").document["report_draft"]["period"] == "2026-11"


def test_a_command_gets_the_path_and_is_tried_again_until_it_succeeds(simulated: Kado) -> None:
    hook = Path("hook.sh")
    hook.write_text('#!/bin/sh\necho "$1" >> got\n[ -e ready ] || { echo no printer >&2; exit 7; }\n')
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    settings('command = ["./hook.sh"]\n')
    with pytest.raises(DraftError, match='ended with 7: "no printer"'):
        drafts(FIRST.format("09:00")).work()
    (draft,) = load_drafts(load_configuration())
    assert not draft.handed_over
    Path("ready").touch()
    drafts(FIRST.format("10:00")).work()
    drafts(FIRST.format("11:00")).work()
    assert Path("got").read_text().splitlines() == [str(draft.path)] * 2
    assert load_drafts(load_configuration())[0].handed_over


MAIL = """
[report.mail]
smtp = "smtp://127.0.0.1:{}"
sender = "kado@example.org"
to = ["chief@example.org"]
"""


class Kept(Message):
    """Keeps what the mail server was given."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[email.message.Message] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.messages.append(message)


def test_a_draft_is_mailed_with_the_report_and_the_mark_of_simulation(simulated: Kado) -> None:
    kept = Kept()
    port = free_port()
    settings(MAIL.format(port))
    with MailServer(kept, port):
        drafts(FIRST.format("09:00")).work()
    (message,) = kept.messages
    assert "SIMULATED" in message["Subject"]
    _, body, attachment = message.walk()
    assert "kado report issue 2026-11" in str(body.get_payload())
    assert bytes(attachment.get_payload(decode=True)).startswith(b"%PDF")  # pyright: ignore[reportArgumentType]  # bytes, since it is decoded


TLS_MAIL = """
[report.mail]
smtp = "{scheme}://localhost:{port}"
sender = "kado@example.org"
to = ["chief@example.org"]
user = "kado"
password_file = "mail.password"
"""


def own_certificate() -> ssl.SSLContext:
    """Write ``ca.pem``, a certificate for localhost; return what its server needs."""
    subprocess.run(
        [require("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-out", "ca.pem", "-keyout", "key.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("ca.pem", "key.pem")
    return context


class Accounts:
    """Lets one account in, and keeps what others tried."""

    def __init__(self) -> None:
        self.tried: list[tuple[bytes, bytes]] = []

    def __call__(self, server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.tried.append((data.login, data.password))
        return AuthResult(success=data == LoginPassword(b"kado", b"horse staple"))


def starttls_server(kept: Kept, port: int, accounts: Accounts) -> MailServer:
    options = {"require_starttls": True, "authenticator": accounts, "auth_required": True}
    return MailServer(kept, port, tls_context=own_certificate(), **options)


def send(options: str, port: int) -> None:
    """Send a draft by the configured mail."""
    Path("mail.password").write_text("horse staple\n")
    settings(TLS_MAIL.format(scheme="smtp", port=port) + options)
    Path("draft.pdf").write_bytes(b"%PDF-1.7")
    configuration = load_configuration()
    mail = configuration.settings.report.mail
    assert mail is not None
    send_draft(configuration, mail, Draft("2026-11", Path("draft.pdf"), 0, date(2026, 12, 11), handed_over=False))


def test_a_draft_is_mailed_over_starttls_after_a_login(simulated: Kado) -> None:
    kept, accounts, port = Kept(), Accounts(), free_port()
    with starttls_server(kept, port, accounts):
        send('starttls = true\nca_file = "ca.pem"\n', port)
    assert len(kept.messages) == 1
    assert accounts.tried == [(b"kado", b"horse staple")]


def test_a_mail_server_with_an_unknown_certificate_gets_neither_password_nor_draft(simulated: Kado) -> None:
    kept, accounts, port = Kept(), Accounts(), free_port()
    with starttls_server(kept, port, accounts), pytest.raises(ssl.SSLCertVerificationError):
        send("starttls = true\n", port)
    assert (kept.messages, accounts.tried) == ([], [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('user = "kado"', "user and password_file need each other"),
        ('password_file = "mail.password"', "user and password_file need each other"),
        ('ca_file = "ca.pem"', "ca_file is for TLS"),
    ],
)
def test_mail_options_that_would_have_no_effect_are_refused(simulated: Kado, options: str, message: str) -> None:
    settings(MAIL.format(1) + options + "\n")
    with pytest.raises(ConfigError, match=message):
        load_configuration()


def test_a_password_of_the_mail_server_that_others_can_read_is_named(simulated: Kado) -> None:
    secret = Path("mail.password")
    secret.write_text("horse staple\n")
    secret.chmod(0o644)
    settings(TLS_MAIL.format(scheme="smtps", port=465))
    assert open_secret_files(load_configuration()) == [secret.resolve()]
    secret.chmod(0o600)
    assert open_secret_files(load_configuration()) == []


def test_a_mail_server_that_is_away_leaves_the_draft_to_the_next_hour(
    simulated: Kado, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings(MAIL.format(1))
    with pytest.raises(DraftError, match="could not be mailed"):
        drafts(FIRST.format("09:00")).work()
    assert not load_drafts(load_configuration())[0].handed_over


def test_a_month_without_data_is_an_error_that_is_told_and_tried_again(simulated: Kado) -> None:
    settings("")
    with pytest.raises(DraftError, match="the draft of 2031-01 ended with 2"):
        drafts("2031-02-01T09:00:00+09:00").work()
    assert load_drafts(load_configuration()) == []
