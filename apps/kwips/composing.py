"""Publishing a filled composer, for every sender: a page, a draft, a mail, a program."""

from apps import limits
from apps.accounts.models import User
from apps.kwips import actions, attaching, new_accounts
from apps.kwips.forms import KwipForm
from apps.kwips.queries import made_by_form
from apps.limits import Decision


class Limited(Exception):
    """A limit refuses the kwip; ``decision`` says for how long, and why."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision)
        self.decision = decision


def ask(author: User, form: KwipForm) -> Decision:
    """Asks the limits of what a valid form holds, and counts it; not inside a transaction. Raises `Limited`.

    A form that is sent again is not refused.
    """
    decision = limits.hit("publish", author.pk)
    decision = new_accounts.ask(decision, author, form.cleaned_data["text"])
    if not decision and made_by_form(author.pk, form.cleaned_data["form_key"]) is None:
        raise Limited(decision)
    return decision


def publish(author: User, form: KwipForm) -> actions.Made:
    """Publishes what a valid form holds, once for each form key.

    A form that is sent again is not refused, and does not count towards a limit. Raises `Limited`,
    `actions.Gone` and `attaching.Vanished`.
    """
    decision = ask(author, form)
    try:
        made = actions.publish(author=author, **form.cleaned_data)
    except (actions.Gone, attaching.Vanished):
        decision.refund()
        raise
    if not made.created:
        decision.refund()
    return made
