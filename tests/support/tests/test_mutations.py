"""The list of mutations does not rot: what each changes, and the tests that it names, are there."""

import re
from collections import Counter

import pytest

from tests.support.mutate import ROOT, Mutation, mutations

PLATFORM = ("keyset", "lookaside", "pagecache", "dbpool", "commandqueue", "limits", "events")


@pytest.mark.parametrize("mutation", mutations(), ids=lambda mutation: mutation.name)
def test_what_a_mutation_changes_is_there_once_and_so_are_its_tests(mutation: Mutation) -> None:
    assert mutation.mutated() != (ROOT / mutation.file).read_text()
    assert mutation.tests
    for test in mutation.tests:
        path, name = test.partition("[")[0].split("::")
        assert re.search(rf"^ *def {name}\(", (ROOT / path).read_text(), re.MULTILINE), test


def test_every_page_of_the_platform_has_its_promises_in_the_list() -> None:
    listed = mutations()
    assert len(listed) >= 60
    assert [name for name, times in Counter(mutation.name for mutation in listed).items() if times > 1] == []
    of = Counter(mutation.promise.partition(":")[0] for mutation in listed)
    assert all(of[page] >= 5 for page in PLATFORM), of
