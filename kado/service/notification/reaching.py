"""Whether the targets of notifications can be reached, without sending them anything."""

import socket
from collections.abc import Iterator

from facility.errors import UnreachableError
from kado.config import Configuration
from kado.language import tr
from kado.notification_settings import AlertmanagerTarget, AppriseTarget
from kado.queries.checks import Outcome, checked
from kado.service.notification.alertmanager import AlertmanagerClient
from kado.service.notification.apprise_sender import AppriseService


def target_checks(configuration: Configuration) -> Iterator[Outcome]:
    """Check each target; none without ``[[alarms.target]]``."""
    settings = configuration.settings.alarms
    for target in () if settings is None else settings.target:
        yield checked(tr("target {id}", id=target.id), lambda target=target: _reach(configuration, target))


def _reach(configuration: Configuration, target: AlertmanagerTarget | AppriseTarget) -> str:
    if isinstance(target, AlertmanagerTarget):
        answer = AlertmanagerClient(target, target.token(configuration.folder)).reach()
        if not answer.taken:
            raise UnreachableError(
                tr(
                    "{address}: {problem}; alarms wait in the outbox until it answers",
                    address=target.url,
                    problem=answer.problem,
                )
            )
        return tr("{address}: reachable", address=target.url)
    server = AppriseService.open(target, target.address(configuration.folder)).server
    if server is None:
        return tr("Apprise supports this service; only a message would show whether the service answers")
    host, port = server
    try:
        socket.create_connection(server, target.timeout_s).close()
    except OSError as error:
        raise UnreachableError(
            tr(
                "{host}:{port} cannot be reached: {problem}; alarms wait in the outbox until it answers",
                host=host,
                port=str(port),
                problem=error.strerror or str(error),
            )
        ) from error
    return tr("{host}:{port}: reachable", host=host, port=str(port))
