"""Every mutation of the list still applies, and every test that it names exists."""

import re
from collections import Counter

import pytest

from tests.support.mutate import ROOT, Mutation, mutations

PLATFORM = ("keyset", "lookaside", "pagecache", "dbpool", "commandqueue", "limits", "events")


@pytest.mark.parametrize("mutation", mutations(), ids=lambda mutation: mutation.name)
def test_a_mutation_applies_once_and_its_tests_exist(mutation: Mutation) -> None:
    assert mutation.mutated() != (ROOT / mutation.file).read_text()
    assert mutation.tests
    for test in mutation.tests:
        path, *_, name = test.partition("[")[0].split("::")
        assert re.search(rf"^ *def {name}\(", (ROOT / path).read_text(), re.MULTILINE), test


def test_every_platform_package_has_mutations() -> None:
    listed = mutations()
    assert len(listed) >= 60
    assert [name for name, times in Counter(mutation.name for mutation in listed).items() if times > 1] == []
    of = Counter(mutation.promise.partition(":")[0] for mutation in listed)
    assert all(of[page] >= 5 for page in PLATFORM), of
