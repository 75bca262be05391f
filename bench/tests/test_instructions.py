"""Five hot requests execute at most a tenth more instructions than when they were last recorded."""

import json
import os

import pytest

from bench.instructions import PROGRAMS, by_name, instructions
from bench.lib.python_build import python_build
from bench.lib.report import PUBLISHED
from deploy.local.bootstrap import find_program

AGAIN = "`make bench SUBJECT=instructions PUBLISH=1` records them anew"
MOST = 1.10


def recorded() -> dict[str, int]:
    """The published counts; skips where this Python is another build than the one that they are of."""
    result = json.loads((PUBLISHED / "instructions.json").read_text())
    of, this = result["python"], python_build()
    if of["build"] != this["build"]:
        pytest.skip(
            f"the recorded instructions are of Python {of['version']}, not {this['version']}; {AGAIN}"
        )
    return {name: figure["value"] for name, figure in result["figures"].items()}


@pytest.mark.usefixtures("empty_database", "memcached")
def test_hot_requests_execute_no_more_instructions_than_recorded() -> None:
    for program in PROGRAMS:
        if not find_program(program):
            if os.environ.get("CI") == "true":
                pytest.fail(f"{program} is not installed, and with CI=true nothing is left out")
            pytest.skip(f"{program} is not installed: instructions are not counted")
    most = {name: round(count * MOST) for name, count in recorded().items()}
    found = {f"{name}_instructions": count for name, count in instructions().items()}
    assert set(found) == set(most), AGAIN
    more = {name: f"{count:,}, at most {most[name]:,}" for name, count in found.items() if count > most[name]}
    assert not more, f"{more}. If that is meant, {AGAIN}"


def test_what_happens_between_two_requests_is_not_counted() -> None:
    dumps = "".join(f"part: {part}\ntotals: {total}\n" for part, total in enumerate(range(1000, 12000, 1000)))
    assert list(by_name(dumps).values()) == [200, 400, 600, 800, 1000]
