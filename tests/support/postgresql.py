"""A real PostgreSQL of a test's own, on the loopback, with one database and one user."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from servers import START_TIMEOUT_S, free_port

USER, PASSWORD, DATABASE = "kado", "s3cret", "archive"


def program(name: str) -> str:
    """Path of a program of PostgreSQL, which Debian does not put on the path."""
    found = [*sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)]
    path = str(found[0]) if found else shutil.which(name)
    if path is None:
        message = f"{name} is not installed; get it with: make services"
        if os.environ.get("KADO_REQUIRE_SERVICES") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return path


class PostgreSQL:
    """``start`` returns once it answers; ``stop`` once it is gone. Its data outlive a restart."""

    def __init__(self) -> None:
        initdb, self._postgres = program("initdb"), program("postgres")
        # It refuses to run as root, and its user cannot enter the folders of pytest.
        self._as = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="kado-postgresql-"))
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._as is not None:
            account = pwd.getpwnam(self._as)
            for path in (self.folder, password):
                os.chown(path, account.pw_uid, account.pw_gid)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            initdb, "-D", str(self.folder / "data"), "-U", USER, "--pwfile", str(password), "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--no-sync", "--locale", "C",
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        command = [
            self._postgres, "-D", str(self.folder / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off", "-c", "timezone=UTC",
        ]  # fmt: skip
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, user=self._as, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.execute("SELECT 1", database="postgres")
                break
            except Exception:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    pytest.fail((self.folder / "log").read_text(), pytrace=False)
                time.sleep(0.05)
        if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", database="postgres"):
            self.execute(f"CREATE DATABASE {DATABASE}", database="postgres")

    def stop(self) -> None:
        if self._process is not None:
            # Without waiting for clients.
            self._process.send_signal(2)
            self._process.wait(120)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def execute(self, sql: str, rows: list[tuple[object, ...]] | None = None, database: str = DATABASE) -> list[object]:
        """Run SQL; with `rows`, once for each of them."""
        import psycopg

        place = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database} connect_timeout=5"
        with psycopg.connect(place, autocommit=True) as connection, connection.cursor() as cursor:
            if rows is not None:
                cursor.executemany(sql, rows)  # pyright: ignore[reportArgumentType]  # SQL made here
                return []
            cursor.execute(sql)  # pyright: ignore[reportArgumentType, reportCallIssue]  # SQL made here
            return list(cursor.fetchall()) if cursor.description else []

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=self._as, cwd=self.folder)
