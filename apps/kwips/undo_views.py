"""The button "take it back"."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.members import MemberRequest, members_only
from apps.fragments import render
from apps.kwips import actions, queries, undo
from apps.kwips.forms import CommentForm, KwipForm
from apps.kwips.picture_forms import as_typed
from apps.kwips.queries import is_gone, visible_kwip
from apps.kwips.views import gone, own, with_card


@require_POST
@members_only
def take_back(request: MemberRequest, kwip_id: int) -> HttpResponse:
    """Deletes it and returns the form with its words. After a moment, asks first."""
    if is_gone(kwip_id, request.user.pk, request.user.username):
        return redirect("compose")  # a double click
    if (kwip := own(request, kwip_id)) is None:
        return gone(request)
    if not undo.is_possible(kwip):
        return redirect("delete", kwip_id=kwip.pk)
    answers = kwip.answers_id  # read while it is there
    cards = queries.cards([kwip.visible])
    pictures = cards[0].pictures if cards else ()
    try:
        undo.take_back(kwip=kwip)
    except actions.Gone:
        pass  # deleted by another request; the words are here
    messages.success(request, _("taken back. your words are here."))
    if kwip.thread is None:
        visibility = {"followers_only": kwip.followers_only, "for_everyone": not kwip.followers_only}
        content = {"content_note": kwip.content_note, "is_plain": not kwip.is_formatted}
        is_sensitive = any(card.is_sensitive for card in cards)
        typed = {"text": kwip.text, "is_sensitive": is_sensitive, **as_typed(pictures)}
        form = KwipForm(initial=typed | content | visibility)
        return render(request, "kwips/compose.html", {"form": form, "is_returned": True})
    if (thread := visible_kwip(kwip.thread.pk, request.user.pk)) is None:
        return gone(request, text=kwip.noted_text)
    answer = CommentForm(initial={"text": kwip.text, "answers": answers or "", "track": True})
    context = {"form": answer, "is_returned": True, **with_card(thread, request)}
    return render(request, "kwips/comment.html", context)
