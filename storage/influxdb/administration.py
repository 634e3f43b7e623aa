"""What has to be there before a server can be used: buckets with their retention, and a token for them alone."""

from collections.abc import Sequence
from typing import Any

from facility.errors import AuthorizationError, DataError, UnreachableError
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, NS_PER_S
from storage.influxdb.client import BucketInfo, InfluxClient, MissingBucketError
from storage.influxdb.exchange import Document
from storage.provisioning import BucketOutcome, Found


class Administration:
    """Makes buckets and tokens of one organisation.

    Contract: what is there is never deleted, and a bucket is changed only where that is asked for. Each method may be
    called again and again.

    Parameters
    ----------
    client
        With a token that may do this. The bucket that it names need not be there.

    Raises
    ------
    UnreachableError
        By all methods, if the server does not answer, or lacks the organisation.
    AuthorizationError
        By all methods, if it refuses the token, or what is asked for with it.
    """

    def __init__(self, client: InfluxClient) -> None:
        self._client = client
        self._org_id = ""

    def ensure_bucket(self, name: str, retention_ns: int | None, *, update: bool, description: str) -> BucketOutcome:
        """Make a bucket if it does not exist; with `update`, change the retention of one that exists."""
        found = self._call("GET", "/api/v2/buckets", {"org": self._client.org, "name": name}, missing_is_fine=True)
        if not found.objects("buckets"):
            rules = _rules(retention_ns)
            body = {"orgID": self._org(), "name": name, "retentionRules": rules, "description": description}
            made = self._call("POST", "/api/v2/buckets", body=body)
            return BucketOutcome(made["id"], name, Found.MADE, retention_ns, retention_ns)
        info = BucketInfo.of(found.objects("buckets")[0])
        if info.retention_ns == retention_ns:
            return BucketOutcome(info.id, name, Found.THERE, retention_ns, retention_ns)
        if not update:
            return BucketOutcome(info.id, name, Found.DIFFERS, retention_ns, info.retention_ns)
        rule = {"type": "expire", "everySeconds": (retention_ns or 0) // NS_PER_S}
        # A bucket keeps its shards as long as before unless it is said, and refuses a retention shorter than that.
        body = {"retentionRules": [{**rule, "shardGroupDurationSeconds": _shard_s(retention_ns)}]}
        self._call("PATCH", f"/api/v2/buckets/{info.id}", body=body)
        return BucketOutcome(info.id, name, Found.CHANGED, retention_ns, info.retention_ns)

    def make_token(self, bucket_ids: Sequence[str], description: str) -> str:
        """Make a token that may read and write these buckets and do nothing else; return the secret."""
        permissions = [
            {"action": action, "resource": {"type": "buckets", "id": bucket, "orgID": self._org()}}
            for bucket in bucket_ids
            for action in ("read", "write")
        ]
        body = {"orgID": self._org(), "permissions": permissions, "description": description}
        return str(self._call("POST", "/api/v2/authorizations", body=body)["token"])

    def _org(self) -> str:
        if not self._org_id:
            found = self._call("GET", "/api/v2/orgs", {"org": self._client.org}, missing_is_fine=True).objects("orgs")
            if not found:
                raise MissingBucketError(
                    Sentence(
                        "InfluxDB at {url} has no organisation {org!r} that the token from {token_source} "
                        "may see: correct store.org, or give a token that may make buckets there, such as "
                        "the operator token",
                        url=self._client.url,
                        org=self._client.org,
                        token_source=self._client.token_source,
                    )
                )
            self._org_id = str(found[0]["id"])
        return self._org_id

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        *,
        missing_is_fine: bool = False,
    ) -> Document:
        try:
            return self._client.call(method, path, query, body)
        except MissingBucketError:
            if missing_is_fine:
                return Document(self._client.url, {"buckets": [], "orgs": []})
            raise
        except AuthorizationError as error:
            if self._not_set_up():
                raise UnreachableError(
                    Sentence(
                        "InfluxDB at {url} was never set up, so it has no tokens yet: run influx setup "
                        "--host {url} --org {org}, and give its operator token",
                        url=self._client.url,
                        org=self._client.org,
                    )
                ) from error
            raise AuthorizationError(
                Sentence(
                    "InfluxDB at {url} refuses the token from {token_source} for {method} {path}: it "
                    "must be one that may make buckets and tokens in organisation {org!r}, such as the "
                    "operator token, or one made with: influx auth create --org {org} --all-access",
                    url=self._client.url,
                    token_source=self._client.token_source,
                    method=method,
                    path=path,
                    org=self._client.org,
                )
            ) from error
        except DataError as error:
            raise DataError(
                Sentence("{error}; it was asked for {method} {path}", error=error, method=method, path=path)
            ) from error

    def _not_set_up(self) -> bool:
        return bool(self._client.call("GET", "/api/v2/setup").get("allowed"))


def _shard_s(retention_ns: int | None) -> int:
    """Return the duration of shards that InfluxDB chooses by itself for a retention, in seconds."""
    if retention_ns is None or retention_ns > 180 * NS_PER_DAY:
        return 7 * 86_400
    return 86_400 if retention_ns >= 2 * NS_PER_DAY else 3_600


def _rules(retention_ns: int | None) -> list[dict[str, Any]]:
    return [] if retention_ns is None else [{"type": "expire", "everySeconds": retention_ns // NS_PER_S}]
