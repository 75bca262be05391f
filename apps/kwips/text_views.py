"""The pages of whole texts and of earlier versions."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import loader
from django.views.decorators.http import require_safe

from apps.accounts.keys import PEOPLE
from apps.fragments import render
from apps.kwips import cards, folding, queries
from apps.kwips.keys import kwip_pages
from apps.kwips.views import address, card_of, gone, visible, with_card
from apps.pagecache import public_page
from apps.plaintext import language_of, safe
from apps.policy.keys import POLICY


@public_page(kwip_pages("{kwip_id}"), PEOPLE, POLICY, uncached_query=())
@require_safe
def whole(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    """The page of a long comment with its whole text."""
    kwip = visible(request, kwip_id, username)
    if kwip is None:
        return gone(request)
    if kwip.thread is None or not folding.is_long(kwip.text):
        return redirect(address(kwip))
    if kwip.author.username != username:
        return redirect(f"{address(kwip)}whole/", permanent=True)
    return render(request, "kwips/whole.html", with_card(kwip, request, cards.Kind.WHOLE))


@public_page(kwip_pages("{kwip_id}"), PEOPLE, uncached_query=())
@require_safe
def part(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    """The whole text with nothing around it, for the script of a page that shows its beginning."""
    kwip = visible(request, kwip_id, username)
    if kwip is None:
        return gone(request)
    if kwip.author.username != username:
        return redirect(f"{address(kwip)}part/", permanent=True)
    card = card_of(kwip, characters=cards.Kind.WHOLE.characters)
    return HttpResponse(loader.render_to_string("kwips/part.html", {"kwip": card}))


@public_page(kwip_pages("{kwip_id}"), PEOPLE, POLICY)
@require_safe
def history(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    kwip = visible(request, kwip_id, username)
    if kwip is None:
        return gone(request)
    if kwip.author.username != username:
        return redirect(f"{address(kwip)}history/", permanent=True)
    page = queries.history(kwip, request.GET)
    people = queries.people_named([earlier.text for earlier in page])
    texts = {f"{earlier.id}, beginning": (earlier.text, earlier.is_formatted) for earlier in page}
    html = cards.html_of_revisions(texts, people)
    revisions = list(zip(page, html.values(), strict=True))
    context = {"kwip": card_of(kwip), "revisions": revisions, "page": page}
    return render(request, "kwips/history.html", context)


@public_page(kwip_pages("{kwip_id}"), PEOPLE, POLICY, uncached_query=())
@require_safe
def revision(request: HttpRequest, username: str, kwip_id: int, revision_id: int) -> HttpResponse:
    """The page of an earlier version with its whole text."""
    kwip = visible(request, kwip_id, username)
    if kwip is None:
        return gone(request)
    if kwip.author.username != username:
        return redirect(f"{address(kwip)}history/{revision_id}/", permanent=True)
    found = queries.revision(kwip, revision_id)
    if found is None:
        raise Http404
    people = queries.people_named([found.text])
    texts = {str(found.pk): (found.text, found.is_formatted)}
    [html] = cards.html_of_revisions(texts, people).values()
    context = {
        "kwip": card_of(kwip),
        "html": html,
        "content_note": safe(found.content_note),
        "language": language_of(found.text),
        "written_at": found.written_at,
    }
    return render(request, "kwips/revision.html", context)
