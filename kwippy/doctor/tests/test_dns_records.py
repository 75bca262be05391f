"""The mail domain's records, asked of a small DNS server on loopback."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from kwippy.doctor.dns_records import records
from kwippy.doctor.report import Finding, State

GOOD = {
    ("mail.kwippy.org", "MX"): ["10 mx.provider.net."],
    ("mail.kwippy.org", "TXT"): ['"other=1"', '"v=spf1 include:provider.net -all"'],
    ("_dmarc.kwippy.org", "TXT"): ['"v=DMARC1; p=quarantine"'],
    ("s1._domainkey.mail.kwippy.org", "TXT"): ['"v=DKIM1; k=rsa; " "p=MIIBIjANBg"'],
}


class Zone:
    """Answers questions from `records`; with `rcode` all of them alike; not at all if `silent`."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = dict(GOOD)
        self.rcode: int | None = None
        self.silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self.socket.getsockname()[1]
        return resolver

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if self.silent:
                continue
            question = dns.message.from_wire(data)
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            name = question.question[0].name
            kind = dns.rdatatype.to_text(question.question[0].rdtype)
            text = name.to_text().rstrip(".").lower()
            if self.rcode is not None:
                answer.set_rcode(dns.rcode.Rcode(self.rcode))
            elif found := self.records.get((text, kind)):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
            elif not any(known == text for known, _ in self.records):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), peer)


@pytest.fixture
def zone(settings: Any) -> Iterator[Zone]:
    settings.DEFAULT_FROM_EMAIL = "kwippy <kwippy@mail.kwippy.org>"
    settings.MAIL_DIR = ""
    settings.DKIM_SELECTOR = "s1"
    zone = Zone()
    yield zone
    zone.socket.close()


def of(zone: Zone) -> dict[str, Finding]:
    return {finding.name: finding for finding in records(zone.resolver)}


def test_a_domain_that_has_all_its_records_is_well(zone: Zone) -> None:
    found = of(zone)
    assert list(found) == ["dns sender", "dns spf", "dns dkim", "dns dmarc"]
    assert {finding.state for finding in found.values()} == {State.OK}


SPF, DMARC = ("mail.kwippy.org", "TXT"), ("_dmarc.kwippy.org", "TXT")
DKIM = ("s1._domainkey.mail.kwippy.org", "TXT")


@pytest.mark.parametrize(
    ("key", "changed", "name", "state", "said"),
    [
        (("mail.kwippy.org", "MX"), None, "dns sender", State.WRONG, "neither MX"),
        (SPF, None, "dns spf", State.WARN, "has none"),
        (SPF, ['"v=spf1 -all"', '"v=spf1 ~all"'], "dns spf", State.WRONG, "has 2"),
        (SPF, ['"v=spf1 +all"'], "dns spf", State.WRONG, "everyone"),
        (SPF, ['"v=spf1 include:provider.net"'], "dns spf", State.WARN, "forbids"),
        (DMARC, None, "dns dmarc", State.WARN, "neither"),
        (DMARC, ['"v=DMARC1; rua=mailto:a@b.c"'], "dns dmarc", State.WRONG, "no valid p="),
        (DMARC, ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "dns dmarc", State.WRONG, "has 2"),
        (DKIM, None, "dns dkim", State.WRONG, "no key"),
        (DKIM, ['"v=DKIM1; p="'], "dns dkim", State.WRONG, "revoked"),
    ],
)  # fmt: skip
def test_each_record_that_is_missing_or_wrong_is_named_with_its_mend(
    zone: Zone, key: tuple[str, str], changed: list[str] | None, name: str, state: State, said: str
) -> None:
    del zone.records[key]
    if changed:
        zone.records[key] = changed
    found = of(zone)
    assert name in found, found
    assert (found[name].state, said in found[name].text) == (state, True), found[name]
    assert found[name].mend
    assert {one.state for one in found.values() if one.name != name} == {State.OK}


def test_a_dkim_key_whose_selector_is_not_known_is_not_judged(zone: Zone, settings: Any) -> None:
    settings.DKIM_SELECTOR = ""
    assert of(zone)["dns dkim"].state is State.NOT_CHECKED


@pytest.mark.parametrize("fault", ["silent", "SERVFAIL", "REFUSED"])
def test_without_a_resolver_that_answers_nothing_is_claimed(
    zone: Zone, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kwippy.doctor.dns_records.SECONDS", 0.5)
    zone.silent = fault == "silent"
    zone.rcode = None if zone.silent else int(dns.rcode.from_text(fault))
    [found] = of(zone).values()
    assert (found.state, "no resolver answers" in found.text) == (State.NOT_CHECKED, True)


def test_a_reserved_name_is_not_asked_for(zone: Zone, settings: Any) -> None:
    zone.silent = True
    settings.DEFAULT_FROM_EMAIL = "kwippy@site.test"
    [found] = of(zone).values()
    assert found.state is State.NOT_CHECKED
