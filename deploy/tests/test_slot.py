"""Each gunicorn of several containers takes a socket slot in the folder shared with nginx."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import slot

# A container: takes a slot, prints it, and runs until its standard input closes.
STAY = "import sys; from deploy import slot; from pathlib import Path; "
STAY += "print(slot.take(Path(sys.argv[1])).name, flush=True); sys.stdin.read()"


def container(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STAY, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_each_takes_the_first_free_slot_and_a_killed_one_frees_its_own(tmp_path: Path) -> None:
    first, second = container(tmp_path), container(tmp_path)
    try:
        assert {said(first), said(second)} == {"1.loading", "2.loading"}
        first.send_signal(signal.SIGKILL)
        first.wait()
        third = container(tmp_path)
        taken = said(third)
        third.kill()
        third.wait()
        assert taken in ("1.loading", "2.loading")
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_a_slot_is_published_once_its_gunicorn_has_loaded_the_site_until_it_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    place = Path("1.loading")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        found = slot.published(place)
        assert not found.exists()
        slot.publish(f"unix:{place}")
        slot.publish(f"unix:{place}")  # each of its workers does
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(found))
        slot.withdraw(f"unix:{place}")
        assert not found.exists()


def test_an_address_outside_the_slots_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "web.sock"
    own.touch()
    for address in ("127.0.0.1:8000", f"unix:{own}"):
        slot.publish(address)
        slot.withdraw(address)
    assert list(tmp_path.iterdir()) == [own]


def test_workers_that_load_the_site_at_the_same_moment_publish_one_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "1.loading"
    place.touch()
    link = os.link

    def second_to_link(source: Path, target: Path) -> None:
        link(source, target)  # by another worker, between any check and this
        link(source, target)

    monkeypatch.setattr(os, "link", second_to_link)
    slot.publish(f"unix:{place}")
    assert slot.published(place).samefile(place)
