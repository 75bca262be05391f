"""`make profile`: parts of a request, their table, flame graphs."""

import os
from collections import Counter
from xml.etree import ElementTree

import pytest

from bench.profile import flame
from bench.profile.__main__ import observed, table
from bench.profile.parts import Parts, counted
from deploy.local.bootstrap import find_program


class Kitchen:
    def make(self, parts: Parts) -> str:
        return self.boil(parts)

    def boil(self, _: Parts) -> str:
        return "tea"


@pytest.fixture
def parts() -> Parts:
    parts = Parts()

    class Observed(Kitchen):
        pass

    parts.mark(Observed, "make", "kitchen")
    parts.mark(Observed, "boil", "kettle")
    parts.enter("the rest")
    Observed().make(parts)
    parts.leave()
    Observed().make(parts)  # outside of a request: no boundary
    return parts


def test_an_inner_part_is_not_counted_with_the_outer_one(parts: Parts) -> None:
    assert parts.labels == ["the rest", "kitchen", "kettle", "kitchen", "the rest", ""]
    dumps = "".join(
        f"part: {at}\ntotals: {total}\n" for at, total in enumerate([999, 1, 10, 100, 20, 2, 999])
    )
    assert counted(dumps, parts.labels) == {"the rest": 3, "kitchen": 30, "kettle": 100}


def test_a_part_within_itself_is_one(parts: Parts) -> None:
    parts = Parts()

    class Folder:
        def walk(self, depth: int) -> int:
            return self.walk(depth - 1) if depth else 0

    parts.mark(Folder, "walk", "folders")
    parts.enter("the rest")
    Folder().walk(3)
    assert parts.labels == ["the rest", "folders", "the rest"]


def test_counts_that_do_not_fit_the_boundaries_are_refused(parts: Parts) -> None:
    with pytest.raises(ValueError, match="zip"):
        counted("totals: 1\ntotals: 2\n", parts.labels)


def test_the_table_has_a_row_for_each_part_and_the_sum() -> None:
    lines = table("/", Counter({"anonymous: view": 5, "member: view": 7, "member: SQL": 1_000}))
    assert [line.split() for line in lines[1:]] == [
        ["SQL", "0", "1,000"], ["view", "5", "7"], ["together", "5", "1,007"],
    ]  # fmt: skip


def test_a_flame_graph_is_as_wide_as_its_samples_and_escapes_names() -> None:
    drawn = ElementTree.fromstring(flame.svg({"a.f;b.g": 3, "a.f;c.<lambda>": 1}, "tea & cake"))
    titles = {
        str(group[0].text): float(group[1].attrib["width"])
        for group in drawn
        if group.tag.endswith("}g") and group[0].tag.endswith("}title")
    }
    assert titles == {
        "all: 100.0%": 1200.0, "a.f: 100.0%": 1200.0, "b.g: 75.0%": 900.0, "c.<lambda>: 25.0%": 300.0,
    }  # fmt: skip


@pytest.mark.usefixtures("empty_database", "memcached")
def test_a_page_is_profiled_for_both_visitors() -> None:
    if not find_program("valgrind"):
        if os.environ.get("CI") == "true":
            pytest.fail("valgrind is not installed, and with CI=true nothing is left out")
        pytest.skip("valgrind is not installed: instructions are not counted")
    instructions, stacks = observed("/everyone/")
    lines = table("/everyone/", instructions)
    *_, anonymous, member = lines[-1].split()
    assert 10_000 < int(anonymous.replace(",", "")) < int(member.replace(",", ""))
    assert instructions["member: view"] > 0
    assert instructions["anonymous: view"] == 0, "its page is stored"
    for visitor in ("anonymous", "member"):
        assert any("apps.pagecache" in stack for stack in stacks[visitor])
    assert any("apps.feeds" in stack for stack in stacks["member"])
