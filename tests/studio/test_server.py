"""The studio's server: answers on this machine, to those who hold its token."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, str]]:
    """A server in a process of its own: where it is, and its token."""
    command = [sys.executable, "-m", "adjoint.cli.main", "studio", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#([\w-]{20,})\n", line)
    assert found, line + process.stderr.read()
    assert process.stdout.readline() == "Ctrl-C ends it\n"
    yield found[1], found[2]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert "Traceback" not in errors


def ask(
    where: str, token: str | None, body: bytes = b"{}", **headers: str
) -> tuple[int, Any, dict[str, str]]:
    given = {"Content-Type": "application/json", **headers}
    if token is not None:
        given["X-Token"] = token
    request = urllib.request.Request(where, data=body, headers=given, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.loads(answer.read()), dict(answer.headers)


def test_a_run(address: tuple[str, str]) -> None:
    where, token = address
    settings = {"problem": "blobs", "hidden": [3], "rate": 0.5}
    status, first, headers = ask(f"{where}/begin", token, json.dumps(settings).encode())
    assert status == 200
    assert first["step"] == 0
    assert len(first["points"]) == 200
    assert "spirals" in first["problems"]
    assert headers["cache-control"] == "no-store"
    _, later, _ = ask(f"{where}/advance", token, b'{"steps": 50}')
    assert later["step"] == 50
    assert later["loss"] < first["loss"] / 2
    _, worked, _ = ask(f"{where}/worked", token, b'{"row": 7}')
    assert "backward" in worked["text"]


@pytest.mark.parametrize("token", [None, "", "x" * 32, "ä".encode().decode("latin-1")])
def test_without_the_token_nothing_is_told(address: tuple[str, str], token: str | None) -> None:
    status, answer, _ = ask(f"{address[0]}/advance", token, b'{"steps": 1}')
    assert status == 403
    assert list(answer) == ["error"]


def test_other_names_of_this_machine_are_refused(address: tuple[str, str]) -> None:
    where, token = address
    assert ask(f"{where}/begin", token, Host="evil.example")[0] == 403
    request = urllib.request.Request(f"{where}/", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refusal:
        urllib.request.urlopen(request, timeout=30)
    refusal.value.close()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("begin", b"{", "not JSON"),
        ("begin", b"[]", "no JSON object"),
        ("begin", b'{"rate": 1e9}', "rate is not to be used"),
        ("begin", b'{"hidden": [1000000]}', "hidden is not to be used"),
        ("begin", b" " * (1 << 17), "too long"),
        ("advance", b"{}", "steps is not to be used"),
        ("worked", b'{"row": 200}', "row is not to be used"),
    ],
)
def test_bad_requests_are_named(
    address: tuple[str, str], path: str, body: bytes, words: str
) -> None:
    where, token = address
    status, answer, _ = ask(f"{where}/{path}", token, body)
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), ("studio.js", "text/javascript"), ("studio.css", "text/css")],
)
def test_files(address: tuple[str, str], path: str, kind: str) -> None:
    with urllib.request.urlopen(f"{address[0]}/{path}", timeout=30) as answer:
        assert answer.headers["content-type"].startswith(kind)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert len(answer.read()) > 500


def test_a_taken_port_is_one_line(address: tuple[str, str]) -> None:
    port = address[0].rpartition(":")[2]
    command = [sys.executable, "-m", "adjoint.cli.main", "studio", "--no-browser", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"adjoint: .*in use.*\n", done.stderr), done.stderr
