"""Who asks: an account, a user whom the proxy names, or somebody unknown."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection

from facility.accounts import Permission, Role, least_role, may
from kado.language import tr


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind a request."""

    name: str | None
    """None: unknown."""
    role: Role | None
    """None: may not even read."""
    address: str
    """Where the request comes from; behind a proxy the address that the proxy names."""
    by_proxy: bool = False
    """Whether the proxy vouches for the name; then there is no log-out here."""
    can_log_in: bool = False
    """Whether there are accounts to log in with."""

    def may(self, permission: str) -> bool:
        """Whether the visitor may do something; the words of `Permission`, so that templates can ask."""
        if self.name is None and Permission(permission) is not Permission.READ:
            return False
        return may(self.role, Permission(permission))


NOBODY: Final = Visitor(None, None, "")


class RefusedError(Exception):
    """A request that is refused: answered with a status and a reason, and logged.

    Attributes
    ----------
    status
        400, 401, 403, 408, 413, 421, 429 or 503.
    message
        For the visitor, in the visitor's language.
    cause
        For the log, in English.
    """

    def __init__(self, status: int, message: str, cause: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.cause = cause
        self.retry_after_s = retry_after_s


def visitor_of(connection: HTTPConnection) -> Visitor:
    """Return who asks."""
    return getattr(connection.state, "visitor", NOBODY)


def require(connection: HTTPConnection, permission: Permission) -> Visitor:
    """Return who asks, if the visitor may do something.

    Raises
    ------
    RefusedError
        401 if nobody is logged in, 403 if the role does not suffice.
    """
    visitor = visitor_of(connection)
    if visitor.may(permission):
        return visitor
    needed = least_role(permission).value
    if visitor.name is None:
        raise RefusedError(401, tr("Log in to do this."), f"not logged in, needs {needed}")
    raise RefusedError(
        403,
        tr("{name} is {role}; this needs {needed}.", name=visitor.name, role=_word(visitor.role), needed=_word(needed)),
        f"role {visitor.role}, needs {needed}",
    )


def _word(role: Role | str | None) -> str:
    return role_word(Role(role)) if role is not None else tr("nobody")


def role_word(role: Role) -> str:
    """Return the word for a role."""
    return {
        Role.VIEWER: tr("viewer"),
        Role.OPERATOR: tr("operator"),
        Role.ENGINEER: tr("engineer"),
        Role.MANAGER: tr("manager"),
    }[role]
