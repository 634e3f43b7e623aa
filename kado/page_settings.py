"""``[page]``: where the control room's page listens, and who may use it."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from facility.sentence import Sentence

RoleName = Literal["viewer", "operator", "engineer", "manager"]


class ProxySettings(BaseModel):
    """``[page.proxy]``: a reverse proxy in front of the page, such as nginx."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    addresses: tuple[str, ...] = Field(
        strict=False,
        min_length=1,
        description="Addresses or networks that the proxy connects from.",
    )
    user_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description="Header in which the proxy names the user that it has checked; without it people log in to kado.",
    )
    default_role: RoleName | None = Field(
        default=None, description="Role of users whom the proxy names and who have no account; without it: refused."
    )

    @field_validator("addresses")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise ValueError(
                    Sentence(
                        "{text!r} is no address and no network such as 10.1.2.0/24: {error}", text=text, error=error
                    )
                ) from error
        return value

    def is_proxy(self, address: str) -> bool:
        """Whether a connection from an address is the proxy's."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in ipaddress.ip_network(network) for network in self.addresses)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]


class PageSettings(BaseModel):
    """``[page]``: the control room's page; without the table it is not served."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    listen: str = Field(default="127.0.0.1:8420", pattern=r"^[^\s:]+:\d+$", description="Address and port of the page.")
    hosts: tuple[Name, ...] = Field(
        default=(),
        strict=False,
        description="Names by which browsers reach the page, without port; addresses and localhost need not be named.",
    )
    public: bool = Field(
        default=False, description="Whether everybody who reaches the page may read it without an account."
    )
    certificate_file: Path | None = Field(
        default=None, strict=False, description="Certificate chain in PEM, for https; needs key_file."
    )
    key_file: Path | None = Field(default=None, strict=False, description="Key of the certificate, in PEM.")
    plain_http: bool = Field(
        default=False,
        description="Whether passwords may cross the network without https: on an isolated network.",
    )
    session_h: float = Field(
        default=12.0, gt=0, le=168, allow_inf_nan=False, description="Hours after which people log in again."
    )
    proxy: ProxySettings | None = Field(default=None, description="A reverse proxy in front; without it: none.")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError(Sentence("https needs both certificate_file and key_file"))
        return self

    @property
    def is_local(self) -> bool:
        """Whether the page is reached from this machine only."""
        return is_loopback(self.listen.rpartition(":")[0])

    @property
    def is_encrypted(self) -> bool:
        """Whether kado itself speaks https."""
        return self.certificate_file is not None


def is_loopback(host: str) -> bool:
    """Whether an address is reached from the same machine only.

    Examples
    --------
    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "kado.example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
