"""Limits of new accounts: links, and mentions of people who do not follow the author.

While the site is under attack these limits are tighter, and there is one for kwips and comments, too.

They are asked before a kwip or comment is written, and before an edit for what it adds. Other accounts cost
no query.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import ngettext

from apps import limits
from apps.accounts.models import User
from apps.accounts.new_accounts import is_new
from apps.accounts.queries import ids_of
from apps.graph.queries import followers_among
from apps.kwips.text import tokens
from apps.limits import Decision
from apps.limits.rates import rate_of
from apps.policy.queries import current

LINKS, MENTIONS = "new_account_links", "new_account_mentions"
UNDER_ATTACK = {LINKS: "attack_links", MENTIONS: "attack_mentions"}
TEXTS = "attack_texts"


@dataclass(frozen=True)
class Asked(Decision):
    """The answer of several limits: ``hits`` are counted; ``words`` is the message if one refused."""

    hits: tuple[Decision, ...] = ()
    words: str = ""

    @property
    def message(self) -> str:
        return self.words

    def refund(self) -> None:
        for hit in self.hits:
            hit.refund()


def ask(
    first: Decision, author: User, text: str, *, before: str = "", besides: Collection[int] = ()
) -> Decision:
    """Asks the limits of new accounts, if ``first`` allows the text. A refusal refunds all of them.

    ``before`` is the text that an edit replaces; ``besides`` are people who may be mentioned, as those whom a
    comment answers.
    """
    if not first or not is_new(author):
        return first
    added = _links_and_names(text) - _links_and_names(before)
    links = sum(kind == "link" for kind, _target in added)
    people = ids_of([target for kind, target in added if kind == "mention"]) - {author.pk, *besides}
    mentions = len(people - followers_among(author.pk, people)) if people else 0
    hits = [first]
    asked = {LINKS: links, MENTIONS: mentions}
    if (author.policy or current()).is_under_attack:
        # An edit is no further text.
        asked = {TEXTS: not before, **{UNDER_ATTACK[scope]: number for scope, number in asked.items()}}
    for scope, number in asked.items():
        for _ in range(number):
            if not (decision := limits.hit(scope, author.pk)):
                Asked(hits=tuple(hits)).refund()
                return Asked(wait=decision.wait, words=_words(scope))
            hits.append(decision)
    return Asked(hits=tuple(hits))


def _links_and_names(text: str) -> set[tuple[str, str]]:
    return {(token.kind, token.target) for token in tokens(text) if token.kind in ("link", "mention")}


def _words(scope: str) -> str:
    rate = rate_of(scope)
    number = rate.amount if rate is not None else 0
    if scope == TEXTS:
        text = ngettext(
            "robots are many just now, so who is new here writes %(n)d time a day. keep it for tomorrow?",
            "robots are many just now, so who is new here writes %(n)d times a day. keep it for tomorrow?",
            number,
        )
    elif scope in (LINKS, UNDER_ATTACK[LINKS]):
        text = ngettext(
            "you are new here, so there is room for %(n)d link a day, for the start. take one out?",
            "you are new here, so there is room for %(n)d links a day, for the start. take some out?",
            number,
        )
    else:
        text = ngettext(
            "you are new here, so you can mention %(n)d person a day who doesn't follow you, for the start. "
            "take a name out?",
            "you are new here, so you can mention %(n)d people a day who don't follow you, for the start. "
            "take some names out?",
            number,
        )
    return text % {"n": number}
