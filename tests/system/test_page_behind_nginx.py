"""The page behind Debian's nginx, with the configuration of the how-to page, and by a certificate of its own."""

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from facility.accounts import Role
from kado.config import load_configuration
from kado.page.access.passwords import hash_password
from kado.service.accounts import NO_PASSWORD, add_account
from page_service import PageService, running_page
from servers import free_port, require

pytestmark = pytest.mark.timeout(300)

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "correct horse"
HOST: Final = "kado.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", folder / "kado.key", "-out", folder / "kado.crt", "-days", "2", "-subj", f"/CN={HOST}"),
            *("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


def documented(name: str) -> str:
    """Return a block of the how-to page."""
    text = (ROOT / "docs" / "how-to" / "open-the-page-to-others.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```nginx\n(.*?)```", text, re.DOTALL) if name in b]
    return block


class Nginx:
    """nginx with one server, in the foreground."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        places = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # Started by root, nginx would read the file of users as somebody who may not enter this folder.
        root = "user root root;\n" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{root}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nworker_processes 1;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{places}{server}\n}}\n"
        )
        self._process = subprocess.Popen(
            [require("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageService]:
    page = f'hosts = ["{HOST}"]\n[page.proxy]\naddresses = ["127.0.0.1"]\nuser_header = "X-Remote-User"\n'
    with running_page(tmp_path_factory.mktemp("behind"), page=f"public = true\n{page}", past_s=60) as found:
        configuration = load_configuration(found.folder / "kado.toml")
        add_account(configuration, "sato", Role.OPERATOR, hash_password(PASSWORD), "root")
        add_account(configuration, "kato", Role.OPERATOR, NO_PASSWORD, "root")
        yield found


@pytest.fixture(scope="module")
def proxied(service: PageService, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of nginx; it checks users below ``/as/kato`` as a directory service would."""
    port, folder = free_port(), tmp_path_factory.mktemp("nginx")
    server = documented("server_name").replace("listen 443", f"listen 127.0.0.1:{port}")
    server = server.replace("127.0.0.1:8420", f"127.0.0.1:{service.port}").replace("/etc/nginx", str(certificate))
    users = documented("auth_basic_user_file").replace("/etc/nginx", str(folder))
    header = next(line for line in users.splitlines() if "X-Remote-User" in line)
    # One server lets nobody in by name, the other one checks them.
    hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True)
    (folder / "kado.users").write_text(f"kato:{hashed.stdout.strip()}\n")
    second = free_port()
    nobody = header.replace("$remote_user", "''")
    open_server = server.replace("        proxy_buffering off;", f"{nobody}\n        proxy_buffering off;")
    named_server = server.replace(f":{port}", f":{second}")
    named_server = named_server.replace("        proxy_buffering off;", users + "        proxy_buffering off;")
    nginx = Nginx(folder, open_server + named_server)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, (folder / "error.log").read_text()
                time.sleep(0.1)
        yield f"https://127.0.0.1:{port} https://127.0.0.1:{second}"
    finally:
        nginx.stop()


def client(address: str, certificate: Path) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(certificate / "kado.crt"))
    port = address.rpartition(":")[2]
    return httpx.Client(base_url=address, verify=context, headers={"Host": f"{HOST}:{port}"}, timeout=60)


def correction(reason: str, minute: int) -> dict[str, str]:
    return {
        "assertion": "unknown", "start": f"2026-11-20 03:{minute:02}:00", "end": f"2026-11-20 03:{minute:02}:30",
        "reason": reason, "step": "write",
    }  # fmt: skip


def test_people_log_in_through_nginx_and_write(service: PageService, proxied: str, certificate: Path) -> None:
    address = proxied.split()[0]
    with client(address, certificate) as browser:
        origin = {"Origin": f"https://{HOST}:{address.rpartition(':')[2]}"}
        assert browser.get("/record").status_code == 200
        answer = browser.post("/login", data={"name": "sato", "password": PASSWORD, "next": "/record"}, headers=origin)
        assert answer.status_code == 303
        assert "Secure" in answer.headers["set-cookie"]
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        written = browser.post("/record/correct", data=correction("by nginx", 1), headers=origin | cookie)
        assert written.status_code == 303, written.text
        evil = {"Origin": "https://evil"} | cookie
        refused = browser.post("/record/correct", data=correction("forged", 2), headers=evil)
        assert refused.status_code == 403
        assert browser.post("/record/correct", content=b"x" * 300_000, headers=origin | cookie).status_code == 413
        browser.cookies.clear()
        # A browser cannot name itself: nginx takes its header away.
        named = origin | {"X-Remote-User": "kato"}
        forged = browser.post("/record/correct", data=correction("forged", 3), headers=named)
        assert forged.status_code == 401
    assert [c["reason"] for c in service.get("corrections")["corrections"]] == ["by nginx"]


def test_nginx_names_the_user_that_it_checked(service: PageService, proxied: str, certificate: Path) -> None:
    address = proxied.split()[1]
    with client(address, certificate) as browser:
        origin = {"Origin": f"https://{HOST}:{address.rpartition(':')[2]}"}
        assert browser.get("/record").status_code == 401
        forged = origin | {"X-Remote-User": "sato"}
        answer = browser.post("/record/correct", data=correction("named", 5), headers=forged, auth=("kato", PASSWORD))
        assert answer.status_code == 303
    assert service.get("corrections")["corrections"][-1]["author"] == "kato"


def test_the_stream_of_events_comes_through_at_once(proxied: str, certificate: Path) -> None:
    with (
        client(proxied.split()[0], certificate) as browser,
        browser.stream("GET", "/events?page=en", headers={"Accept": "text/event-stream"}) as answer,
    ):
        assert answer.status_code == 200
        assert next(answer.iter_text()).strip()


def test_a_client_that_sends_its_request_slowly_is_closed(service: PageService) -> None:
    with socket.create_connection(("127.0.0.1", service.port), 60) as connection:
        connection.settimeout(120)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        try:
            got = connection.recv(1)
        except ConnectionResetError:
            got = b""
    assert got == b""
    assert service.get("now")["time"]


def test_kado_speaks_https_by_itself(tmp_path: Path, certificate: Path) -> None:
    page = f'certificate_file = "{certificate / "kado.crt"}"\nkey_file = "{certificate / "kado.key"}"\n'
    with PageServiceByTls(tmp_path, page) as service:
        context = ssl.create_default_context(cafile=str(certificate / "kado.crt"))
        answer = httpx.get(f"https://127.0.0.1:{service.port}/login", verify=context)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")


class PageServiceByTls:
    """A `kado run` with a certificate."""

    def __init__(self, folder: Path, page: str) -> None:
        self.folder = folder
        self.port = free_port()
        text = (
            'facility = "nanoterasu_sim"\ndata_dir = "data"\n'
            f'[page]\nlisten = "127.0.0.1:{self.port}"\n{page}'
            '[[source]]\nid = "ring"\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n'
            '[[source.signal]]\ntopic = "a"\nsignal = "stored_current"\n'
        )
        (folder / "kado.toml").write_text(text)

    def __enter__(self) -> "PageServiceByTls":
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kado", "run"], cwd=self.folder, env=environment,
            stdout=subprocess.DEVNULL, stderr=self._log,
        )  # fmt: skip
        until = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.2)

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(120)
        self._log.close()
