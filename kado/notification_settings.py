"""``[[alarms.target]]``: where alarms are sent."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from facility.alarms.states import Priority
from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.slug import Slug
from facility.text import Language


class _TargetSettings(BaseModel):
    """What every target has."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Slug = Field(description="Name of the target; `notify` of a rule and of [alarms] names it.")
    lang: Language = Field(default="ja", description="Language of its messages.")
    priorities: tuple[Annotated[Priority, Field(strict=False)], ...] = Field(
        default=tuple(Priority), strict=False, min_length=1, description="Priorities that it is sent; without it all."
    )
    classes: tuple[Slug, ...] = Field(
        default=(), strict=False, description="Classes of alarms that it is sent; without it all."
    )
    timeout_s: float = Field(
        default=10.0, gt=0, le=60, allow_inf_nan=False, description="How long one attempt may take."
    )

    def takes(self, priority: Priority, class_: str) -> bool:
        """Return whether alarms of a priority and class are sent there."""
        return priority in self.priorities and (not self.classes or class_ in self.classes)


class AlertmanagerTarget(_TargetSettings):
    """``kind = "alertmanager"``: an Alertmanager, by its API of version 2."""

    kind: Literal["alertmanager"]
    url: str = Field(pattern=r"^https?://[^\s]+$", description="Its address, such as http://127.0.0.1:9093.")
    token_file: Path | None = Field(
        default=None, strict=False, description="File with a bearer token, where a proxy before it asks for one."
    )

    @field_validator("url")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        parts = urlsplit(value)
        if "@" in parts.netloc:
            raise ValueError(
                Sentence("url holds credentials: put a bearer token into a file and name it by token_file")
            )
        if parts.query or parts.fragment:
            raise ValueError(Sentence("url has a query ('?') or a fragment ('#'): write the address alone"))
        return value

    def token(self, folder: Path) -> str | None:
        """Read the token, where one is configured.

        Raises
        ------
        ConfigError
            If the file cannot be read or is empty.
        """
        return None if self.token_file is None else _secret(folder / self.token_file, self.id, "token_file")


class AppriseTarget(_TargetSettings):
    """``kind = "apprise"``: e-mail and other services, by an address of Apprise."""

    kind: Literal["apprise"]
    url: str | None = Field(
        default=None,
        pattern=r"^[a-zA-Z0-9]+://\S+$",
        description="Address in Apprise's form that holds no secret, such as "
        "mailto://mail.example.org:25?from=kado@example.org&to=shift@example.org.",
    )
    url_file: Path | None = Field(
        default=None, strict=False, description="File that holds the address alone, for one with a secret."
    )
    group_s: float = Field(
        default=10.0, ge=0, le=600, allow_inf_nan=False, description="Alarms of a class within so long are one message."
    )
    repeat_s: float = Field(
        default=1800.0, ge=60, allow_inf_nan=False,
        description="A critical or high alarm that nobody acknowledged is sent again after so long.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError(Sentence("target {id!r}: give the address by exactly one of url and url_file", id=self.id))
        if self.url is not None and urlsplit(self.url).password is not None:
            raise ValueError(
                Sentence("target {id!r}: url holds a password: put the address into a file (url_file)", id=self.id)
            )
        return self

    def address(self, folder: Path) -> str:
        """Return the address.

        Raises
        ------
        ConfigError
            If the file cannot be read or is empty.
        """
        if self.url is not None:
            return self.url
        assert self.url_file is not None
        return _secret(folder / self.url_file, self.id, "url_file")


TargetSettings = Annotated[AlertmanagerTarget | AppriseTarget, Field(discriminator="kind")]


def _secret(path: Path, target: str, key: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Sentence(
                "[[alarms.target]] {target}: {path} ({key}) cannot be read: {error}",
                target=target,
                path=path,
                key=key,
                error=error,
            )
        ) from error
    if not text or len(text.split()) > 1:
        raise ConfigError(
            Sentence(
                "[[alarms.target]] {target}: {path} ({key}) must hold one word: the address or the token",
                target=target,
                path=path,
                key=key,
            )
        )
    return text
