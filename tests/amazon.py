"""A real server with the interfaces of Route 53, Systems Manager and Secrets Manager, on this machine.

Before it stands a door that refuses what a test wants refused, as Amazon does, and changes words of answers.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bouncer import wait_until_it_listens
from tests.conftest import unavailable


@dataclass
class Cloud:
    """What the door does, and what it has let through."""

    port: int
    refused: set[str] = field(default_factory=set)
    """Operations that Amazon does not allow, for instance `AmazonSSM.PutParameter`."""
    words: dict[bytes, bytes] = field(default_factory=dict)
    """What is said instead, in every answer."""
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def refusing(self, *operations: str) -> Iterator[None]:
        self.refused.update(operations)
        yield
        self.refused.difference_update(operations)

    @contextmanager
    def saying(self, instead: bytes, of: bytes) -> Iterator[None]:
        self.words[of] = instead
        yield
        del self.words[of]


@contextmanager
def amazon(folder: Path) -> Iterator[Cloud]:
    """Within the block it is what boto3 takes for Amazon."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask_cors") is None:
        unavailable("endpoints in Amazon's cloud take moto and flask-cors")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "amazon.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until_it_listens(process, port, folder / "amazon.log")
        with _door(Cloud(port)) as (cloud, address), pytest.MonkeyPatch.context() as patch:
            for name, value in _environment(address).items():
                patch.setenv(name, value)
            yield cloud
    finally:
        process.terminate()
        process.wait(20)


def _environment(address: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }


@contextmanager
def _door(cloud: Cloud) -> Iterator[tuple[Cloud, str]]:
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield cloud, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    cloud: Cloud

    def do_POST(self) -> None:
        cloud = self.cloud
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target") or f"{self.command} {self.path.split('?')[0]}"
        cloud.asked.append(operation)
        if cloud.refused & {operation, operation.rpartition("/")[2]}:
            # Amazon's words repeat what was sent, too.
            said = {"__type": "AccessDeniedException", "message": f"not allowed: {sent.decode()}"}
            self._answer(400, "application/x-amz-json-1.1", json.dumps(said).encode())
            return
        to = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=20)
        to.request(self.command, self.path, sent, dict(self.headers))
        answer = to.getresponse()
        text = answer.read()
        for of, instead in cloud.words.items():
            text = text.replace(of, instead)
        self._answer(answer.status, answer.getheader("Content-Type", "text/xml"), text)
        to.close()

    do_GET = do_POST

    def _answer(self, status: int, kind: str, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing: what is asked is a test's to look at."""


def hosted_zone(name: str) -> str:
    """The id of a new hosted zone."""
    import boto3

    made = boto3.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return str(made["HostedZone"]["Id"].rpartition("/")[2])
