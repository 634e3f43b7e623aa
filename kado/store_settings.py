"""``[store]`` in ``kado.toml``: one class for each kind, which makes the backend of its kind."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from facility.errors import ConfigError
from facility.profile import Profile
from facility.sentence import Sentence
from storage.backend import StoreBackend
from storage.backends import EmbeddedOptions, InfluxOptions, embedded_backend, influxdb_backend

KeepDays = Annotated[int, Field(ge=1)]


class RetentionSettings(BaseModel):
    """``[store] retention = { ... }``: for how long samples are kept; without it, forever."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keep_days: KeepDays | None = Field(
        default=None,
        description="Days after which `kado run` deletes samples for good, where `signals` says nothing else; "
        "without it: never.",
    )
    signals: dict[str, KeepDays | Literal["forever"]] = Field(
        default={},
        description="The same for single signals, such as { beam_lifetime = 400, machine_mode = 'forever' }.",
    )

    @field_validator("signals", mode="before")
    @classmethod
    def _days_or_forever(cls, value: Any) -> Any:
        for signal, days in cast("dict[str, Any]", value).items() if isinstance(value, dict) else ():
            if days != "forever" and (type(days) is not int or days < 1):
                raise ValueError(
                    Sentence("{signal} = {days!r}: give whole days, at least 1, or 'forever'", signal=signal, days=days)
                )
        return cast("Any", value)

    def days(self, signal: str) -> int | None:
        """Return for how many days a signal is kept; None: forever."""
        days = self.signals.get(signal, self.keep_days)
        return None if days == "forever" else days

    @property
    def deletes(self) -> bool:
        """Whether anything is deleted at all."""
        return self.keep_days is not None or bool(self.signals)


class EmbeddedSettings(BaseModel):
    """``[store] kind = "embedded"``: everything in files below ``data_dir``, no server."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["embedded"] = "embedded"
    seal_after_days: int = Field(
        default=2, ge=1, description="Days after which `kado run` turns a day's rows into sealed Parquet files."
    )
    archive: str | None = Field(
        default=None,
        min_length=1,
        description="Where sealed files lie: a folder, relative to that of kado.toml, or s3://bucket/prefix with the "
        "options endpoint_override, scheme and region; without it the folder archive in data_dir. Keys come from the "
        "environment or from files, as the AWS tools read them.",
    )
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="For how long samples are kept; by default forever."
    )

    @property
    def named_signals(self) -> tuple[str, ...]:
        """Signals that the table names."""
        return tuple(self.retention.signals)

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files with secrets; relative ones start from the folder of kado.toml."""
        return ()

    def backend(self, profile: Profile, data_dir: Path, path: Path, *, derived: bool) -> StoreBackend:
        """Return the backend; `path` is that of kado.toml, `derived` whether derived series are published."""
        archive = self.archive
        if archive is not None and "://" not in archive:
            archive = str(path.parent / archive)
        options = EmbeddedOptions(archive, self.seal_after_days, self.retention.days, self.retention.deletes)
        return embedded_backend(profile, data_dir, options)

    @field_validator("archive")
    @classmethod
    def _no_secret(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and "@" in urlsplit(value).netloc:
            raise ValueError(
                Sentence(
                    "it holds credentials: name them in the environment (AWS_ACCESS_KEY_ID, "
                    "AWS_SECRET_ACCESS_KEY) or in a file (AWS_SHARED_CREDENTIALS_FILE), never in "
                    "kado.toml"
                )
            )
        return cast("Any", value)


class InfluxSettings(BaseModel):
    """``[store] kind = "influxdb"``: samples go to an InfluxDB 2."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["influxdb"]
    url: str = Field(pattern=r"^https?://.+", description="Address of the server, such as http://localhost:8086.")
    org: str = Field(min_length=1, description="Organisation that owns the bucket.")
    bucket: str = Field(min_length=1, description="Bucket that takes the samples.")
    token_file: Path | None = Field(
        default=None, strict=False, description="File with the token, relative to the folder of kado.toml."
    )
    token_env: str | None = Field(
        default=None, min_length=1, description="Environment variable with the token; instead of token_file."
    )
    timeout_s: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="How long an answer may take before it counts as none."
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="For `kado store init`: days for which the bucket keeps samples; else forever."
    )
    minutes_retention_days: int | None = Field(
        default=None, ge=1, description="For `kado store init`: the same for what each minute comes to, in <bucket>_1m."
    )

    @field_validator("url")
    @classmethod
    def _no_secret_in_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if "@" in parts.netloc:
            raise ValueError(
                Sentence("url holds credentials: give the token by token_file or token_env, never in kado.toml")
            )
        if parts.query or parts.fragment:
            raise ValueError(
                Sentence(
                    "url has a query ('?') or a fragment ('#'): write the address alone, such as "
                    "http://localhost:8086, and give the token by token_file or token_env"
                )
            )
        return cast("Any", value)

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token_file is None) == (self.token_env is None):
            raise ValueError(
                Sentence("give the token by exactly one of token_file and token_env (never in kado.toml itself)")
            )
        return self

    @property
    def named_signals(self) -> tuple[str, ...]:
        """Signals that the table names."""
        return ()

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files with secrets; relative ones start from the folder of kado.toml."""
        return () if self.token_file is None else (self.token_file,)

    def backend(self, profile: Profile, data_dir: Path, path: Path, *, derived: bool) -> StoreBackend:
        """Return the backend; `path` is that of kado.toml, `derived` whether derived series are published."""
        options = InfluxOptions(
            url=self.url,
            org=self.org,
            bucket=self.bucket,
            token=lambda: self.token(path.parent, os.environ),
            token_source=self.token_source,
            token_file=None if self.token_file is None else path.parent / self.token_file,
            timeout_s=self.timeout_s,
            retention_days=self.retention_days,
            minutes_retention_days=self.minutes_retention_days,
            derived=derived,
        )
        return influxdb_backend(profile, data_dir, options, path)

    @property
    def token_source(self) -> str:
        """Where the token comes from, for messages."""
        if self.token_env is not None:
            return f"the environment variable {self.token_env} (store.token_env)"
        return f"{self.token_file} (store.token_file)"

    def token(self, folder: Path, environ: Mapping[str, str]) -> str:
        """Read the token; `folder` is where a relative ``token_file`` starts from.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if self.token_env is not None:
            text = environ.get(self.token_env, "")
        else:
            path = folder / cast("Path", self.token_file)
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    Sentence("{path} (store.token_file) cannot be read: {error}", path=path, error=error)
                ) from error
        if not (token := text.strip()):
            raise ConfigError(
                Sentence(
                    "{token_source} holds no token: put one there that may read and write bucket {bucket!r}",
                    token_source=self.token_source,
                    bucket=self.bucket,
                )
            )
        return token


StoreSettings = EmbeddedSettings | InfluxSettings
