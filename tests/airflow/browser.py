"""A headless Chromium that tests steer through its debugging pipe: no driver, no port, no third package."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tests.conftest import unavailable


class Browser:
    """One tab. `complaints` are the errors its console has shown, those about content policies among them."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        self._commands, self._answers = commands, answers
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self._call(f"{domain}.enable")

    def log_in(self, url: str, token: str) -> None:
        """Airflow's own cookie, as its log-in sets it."""
        cookie = {"name": "_token", "value": token, "url": url, "httpOnly": True, "sameSite": "Lax"}
        self._call("Network.setCookie", **cookie)

    def open(self, url: str, *, width: int = 1400, height: int = 1000, dark: bool = False) -> None:
        """Goes there, in a window of that size; what the console said before is forgotten."""
        self.complaints.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; None where it fails."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def text(self) -> str:
        """What a reader sees: of the page in Airflow's frame where there is one."""
        return str(self.run(f"{_SHOWN}.body.innerText") or "")

    def wait_for(self, words: str, seconds: float = 45) -> str:
        """The text, once it holds the words."""
        until = time.monotonic() + seconds
        while words not in (text := self.text()):
            assert time.monotonic() < until, f"never showed {words!r}, but:\n{text}"
            time.sleep(0.2)
        return text

    def find(self, selector: str, then: str) -> Any:
        """Does something with the first element of that selector, for instance `click()`."""
        return self.run(f"{_SHOWN}.querySelector({json.dumps(selector)}).{then}")

    def type(self, text: str) -> None:
        self._call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """A key of the keyboard: `Tab` or `Enter`."""
        code = {"Tab": 9, "Enter": 13}[key]
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", text="\r" if key == "Enter" else "", **event)
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def shoot(self, file: Path) -> None:
        """A picture of the window."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._answers.read(1 << 16)
            assert more, "the browser is gone"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.complaints.append(event["params"]["entry"]["text"])


_SHOWN = "(document.querySelector('iframe')?.contentDocument ?? document)"


# Chromium reads commands from descriptor 3 and answers on 4.
_WIRE = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser of its own, gone at the end with all it kept."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        unavailable("no Chromium here to look at the pages with")
    (heard, commands), (answers, said) = os.pipe(), os.pipe()
    wire = [sys.executable, "-c", _WIRE, str(heard), str(said)]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        os.fdopen(commands, "wb", 0) as to,
        os.fdopen(answers, "rb", 0) as back,
    ):
        process = subprocess.Popen(
            [*wire, program, *_OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(heard, said),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(heard)
        os.close(said)
        try:
            yield Browser(to, back)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
