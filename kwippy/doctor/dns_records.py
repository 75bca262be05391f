"""Checks of the records by which mail servers decide whether mail in the site's name is to be believed.

Without a resolver that answers, nothing is said about them: "not checked".
"""

import time
from collections.abc import Callable, Iterator
from email.utils import parseaddr

import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from django.conf import settings
from publicsuffixlist import PublicSuffixList

from kwippy.doctor.report import Finding, not_checked, ok, one_line, warn, wrong

# Of one question, and of all together.
SECONDS, ALL_SECONDS = 4.0, 12.0
# Names that no public server knows (RFC 2606, RFC 6761).
RESERVED = ("localhost", "test", "example", "invalid", "local", "internal", "home.arpa")
MOST_RECORDS = 50


class NoAnswer(Exception):
    """No resolver has answered."""


class Records:
    """Asks the resolver of this machine, for a bounded time in all."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        try:
            self._resolver = resolver or dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise NoAnswer("this machine has no resolver") from error
        self._until = time.monotonic() + ALL_SECONDS

    def texts(self, name: str, prefix: str) -> list[str]:
        """The TXT records that begin with ``prefix``. Raises NoAnswer."""
        found = []
        for record in self._ask(name, "TXT"):
            # Other texts of the domain need not be UTF-8.
            strings: tuple[bytes, ...] = getattr(record, "strings", ())
            text = b"".join(strings).decode("utf-8", "replace")
            if text.lower().startswith(prefix):
                found.append(text)
        return found

    def has(self, name: str, *kinds: str) -> bool:
        """Whether there is a record of one of the kinds. Raises NoAnswer."""
        return any(self._ask(name, kind) for kind in kinds)

    def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"the resolver took more than {ALL_SECONDS:g} s")
        try:
            answer = self._resolver.resolve(
                dns.name.from_text(name), kind, lifetime=min(SECONDS, left), raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.DNSException as error:
            raise NoAnswer(one_line(error)) from error
        return list(answer)[:MOST_RECORDS]


def mail_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()


def records(resolver: dns.resolver.Resolver | None = None) -> Iterator[Finding]:
    """What receivers will look up about the domain in DEFAULT_FROM_EMAIL."""
    domain = mail_domain()
    if settings.MAIL_DIR:
        yield not_checked("dns", "mail is written to files in MAIL_DIR")
        return
    if domain in RESERVED or domain.endswith(tuple(f".{name}" for name in RESERVED)):
        yield not_checked("dns", f"{domain} is a reserved name, of which no public server knows")
        return
    try:
        asked = Records(resolver)
        for check in CHECKS:
            yield check(asked, domain)
    except NoAnswer as error:
        yield not_checked("dns", f"no resolver answers about {domain}: {error}", "try on a machine with DNS")


def sender(asked: Records, domain: str) -> Finding:
    if asked.has(domain, "MX", "A", "AAAA"):
        return ok("dns sender", f"{domain} is there, and can be answered")
    mend = "make an MX record: many servers refuse mail from a domain that can't be answered"
    return wrong("dns sender", f"{domain} has neither MX nor A nor AAAA", mend)


def spf(asked: Records, domain: str) -> Finding:
    found = asked.texts(domain, "v=spf1")
    if not found:
        mend = f'a TXT record of {domain}, such as "v=spf1 include:YOUR-MAIL-PROVIDER -all"'
        return warn("dns spf", f"{domain} has none: mail may land among spam", mend)
    if len(found) > 1:
        return wrong("dns spf", f"{domain} has {len(found)}: receivers then use none", "merge them into one")
    last = found[0].lower().split()[-1]
    if last in ("+all", "all"):
        mend = "end it with -all or ~all"
        return wrong("dns spf", f"{one_line(found[0])} allows everyone to send in your name", mend)
    if not last.endswith("all") and not last.startswith("redirect="):
        return warn(
            "dns spf", f"{one_line(found[0])} does not say what it forbids", "end it with -all or ~all"
        )
    return ok("dns spf", one_line(found[0]))


def dkim(asked: Records, domain: str) -> Finding:
    selector = settings.DKIM_SELECTOR
    if not selector:
        mend = "DKIM_SELECTOR in .env: the s= of DKIM-Signature in a mail that you got from the site"
        return not_checked("dns dkim", "its selector is not known here", mend)
    name = f"{selector}._domainkey.{domain}"
    found = asked.texts(name, "")
    keys = [_tags(text).get("p", "") for text in found if "p" in _tags(text)]
    if not keys:
        return wrong("dns dkim", f"{name} has no key", "publish the record that your mail provider gives you")
    if not any(keys):
        return wrong("dns dkim", f"the key at {name} is revoked (p= is empty)", "publish the present key")
    return ok("dns dkim", f"{name} has a key")


def dmarc(asked: Records, domain: str) -> Finding:
    owner = PublicSuffixList().privatesuffix(domain) or domain
    for name in dict.fromkeys((domain, owner)):
        found = asked.texts(f"_dmarc.{name}", "v=dmarc1")
        if len(found) > 1:
            text = f"_dmarc.{name} has {len(found)} records: receivers then use none"
            return wrong("dns dmarc", text, "keep one of them")
        if found:
            policy = _tags(found[0]).get("p", "").lower()
            if policy not in ("none", "quarantine", "reject"):
                return wrong(
                    "dns dmarc", f"{one_line(found[0])} has no valid p=", "p=quarantine, for example"
                )
            return ok("dns dmarc", one_line(found[0]))
    mend = f'a TXT record of _dmarc.{owner}, such as "v=DMARC1; p=quarantine"'
    return warn("dns dmarc", f"neither {domain} nor {owner} has one: large providers may refuse", mend)


CHECKS: tuple[Callable[[Records, str], Finding], ...] = (sender, spf, dkim, dmarc)


def _tags(text: str) -> dict[str, str]:
    """`a=b; c=d` of DKIM and DMARC."""
    pairs = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip().lower(): "".join(value.split()) for name, value in pairs}
