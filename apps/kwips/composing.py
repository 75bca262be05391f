"""Publishing a filled form, for every sender: a page, a draft, a mail, a program."""

from collections.abc import Callable
from typing import Any

from apps import limits
from apps.accounts.models import User
from apps.kwips import actions, attaching, new_accounts, queries
from apps.kwips.converters import kwip_id_of
from apps.kwips.forms import CommentForm, KwipForm
from apps.kwips.models import Kwip
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
    return _allowed(new_accounts.ask(decision, author, form.cleaned_data["text"]), author, form)


def publish(author: User, form: KwipForm) -> actions.Made:
    """Publishes what a valid form holds, once for each form key.

    A form that is sent again is not refused, and does not count towards a limit. Raises `Limited`,
    `actions.Gone` and `attaching.Vanished`.
    """
    return _made(ask(author, form), lambda: actions.publish(author=author, **form.cleaned_data))


def comment(author: User, kwip: Kwip, form: CommentForm) -> actions.Made:
    """Adds a comment to the conversation of ``kwip``, which the author sees.

    Once for each form key. Raises `Limited` and `actions.Gone`.
    """
    thread = kwip.thread or kwip
    decision = limits.hit("comment", author.pk)
    answers = answered(form.cleaned_data["answers"], thread, author.pk)
    besides = {each.author_id for each in (kwip, thread, answers) if each}
    decision = new_accounts.ask(decision, author, form.cleaned_data["text"], besides=besides)
    fields: dict[str, Any] = form.cleaned_data | {"answers": answers}
    return _made(
        _allowed(decision, author, form), lambda: actions.comment(author=author, thread=thread, **fields)
    )


def answered(comment_id: object, thread: Kwip, viewer: int) -> Kwip | None:
    """The comment of this conversation with that id, None if there is none: the text is kept all the same."""
    number = kwip_id_of(comment_id)
    found = queries.visible_kwip(number, viewer) if number else None
    return found if found is not None and found.thread_id == thread.pk else None


def _allowed(decision: Decision, author: User, form: KwipForm | CommentForm) -> Decision:
    if not decision and made_by_form(author.pk, form.cleaned_data["form_key"]) is None:
        raise Limited(decision)
    return decision


def _made(decision: Decision, write: Callable[[], actions.Made]) -> actions.Made:
    """Only what is created counts towards the limit."""
    try:
        made = write()
    except (actions.Gone, attaching.Vanished):
        decision.refund()
        raise
    if not made.created:
        decision.refund()
    return made
