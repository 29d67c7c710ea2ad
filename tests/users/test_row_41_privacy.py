"""Row 41: nothing is sent anywhere, and nothing about the user is written anywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from command import command_of

# Refuses every connection of Python's own, and tells of it.
GUARD = """
import socket, sys
def refuse(*arguments):
    sys.stderr.write(f"network: {arguments}\\n")
    raise OSError("networking is off")
class Socket(socket.socket):
    connect = connect_ex = sendto = bind = refuse
socket.socket = Socket
socket.create_connection = socket.getaddrinfo = refuse
from foveate.cli.main import main
main()
"""


def can_unshare():
    done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("way", ["no network at all", "sockets that refuse"])
def test_a_picture_is_done_without_a_network(tmp_path, picture, monkeypatch, engine, way):
    if engine == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME")
    words = command_of("upscale", picture, "-o", tmp_path / "out.png", "--engine", engine)
    if way == "no network at all":
        if not can_unshare():
            pytest.skip("unshare -n is not permitted here")
        words = ["unshare", "-rn", *words]
    else:
        words = [sys.executable, "-c", GUARD, *words[3:]]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "network" not in done.stderr
    assert list(home.rglob("*")) == []


def test_no_connection_is_tried(tmp_path, picture):
    """Asks the kernel, where strace is there to listen."""
    if subprocess.run(["which", "strace"], capture_output=True, check=False).returncode:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    words = ["strace", "-f", "-e", "trace=network", "-o", log, *command_of("upscale", picture)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    calls = [line for line in Path(log).read_text().splitlines() if "AF_INET" in line]
    assert calls == []
