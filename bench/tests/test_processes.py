"""What a process costs is that of its children, too; it is pinned with its threads and children."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.lib import processes

# A parent that waits for a child, which works for a while and then waits for its input to end.
_CHILD = (
    "import sys, time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\nsys.stdin.read()"
)
_PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_CHILD!r}])"


@pytest.fixture
def family() -> Iterator[int]:
    """A process whose child has used 0.3 seconds."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin
    assert parent.stdout
    assert parent.stdout.readline() == "done\n"
    yield parent.pid
    parent.stdin.close()
    parent.wait()


def test_the_processor_time_of_children_counts(family: int) -> None:
    assert processes.cpu_seconds(family) >= 0.29


def test_a_process_is_pinned_with_its_children(family: int) -> None:
    [child] = processes.services.descendants(family)
    one = {max(os.sched_getaffinity(0))}
    processes.pin(family, one)
    assert os.sched_getaffinity(family) == os.sched_getaffinity(child) == one


def test_memory_has_pages_of_its_own_and_a_share_of_others(family: int) -> None:
    found = processes.memory(family)
    assert 0 < found.private_mb < found.pss_mb
