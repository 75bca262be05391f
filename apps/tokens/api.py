"""The API: publishing a kwip, and reading the network."""

import uuid

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps import limits
from apps.feeds import queries
from apps.feeds.queries import PAGE_SIZE
from apps.keyset import BadCursor
from apps.kwips import actions, attaching, composing
from apps.kwips.forms import KwipForm
from apps.kwips.queries import cards
from apps.tokens import answers
from apps.tokens.answers import Refused
from apps.tokens.bearer import TokenRequest, with_token
from apps.tokens.body import data_for
from apps.tokens.models import Scope

MOST_KWIPS = 40  # of a page
KEY_LIMIT = 200  # characters of an Idempotency-Key
_KEYS = uuid.UUID("3d1b0f0e-8f7c-4f0a-9a58-6a2f4f3f6c11")


@require_POST
@with_token(Scope.WRITE_KWIPS)
def kwips(request: TokenRequest) -> HttpResponse:
    """Publishes a kwip: 201. The same `Idempotency-Key` with the same text again: 200, and the same kwip."""
    data = data_for(KwipForm, request)
    data["form_key"] = str(_form_key(request))
    form = KwipForm(data)
    if not form.is_valid():
        return answers.form_errors(form)
    try:
        kwip, created = composing.publish(request.user, form)
    except composing.Limited as limited:
        return answers.too_many(limited.decision)
    except actions.Gone:
        raise Refused(410, _("The kwip with this Idempotency-Key is deleted.")) from None
    except attaching.Vanished:
        raise Refused(422, _("A picture of it is gone, or in another kwip.")) from None
    return answers.made(kwip, request.user.username, created=created)


@require_safe
@with_token(Scope.READ_NETWORK)
def network(request: TokenRequest) -> HttpResponse:
    """A page of the network, newest first, as the page shows it to the owner; `Link` has its neighbours."""
    if not (decision := limits.hit("api_read", request.user.pk)):
        return answers.too_many(decision)
    owner, limit = request.user, _limit(request)
    timeline = queries.network(viewer_id=owner.pk, following_count=owner.following_count)
    try:
        page = timeline.page(request.GET, limit=limit)
    except BadCursor:
        raise Refused(400, _("That cursor is none of this list. Without one it begins anew.")) from None
    # One character more than is shown says whether there is more.
    found = cards([entry.id for entry in page], characters=answers.BEGINNING + 1)
    by_id = {card.id: card for card in found}
    shown = [answers.listed(entry, by_id[entry.id]) for entry in page if entry.id in by_id]
    response = JsonResponse(shown, safe=False)
    neighbours = {"next": page.next, "prev": page.previous}
    links = [
        f'<{settings.SITE_URL}{request.path_info}{query}&limit={limit}>; rel="{name}"'
        for name, query in neighbours.items()
        if query
    ]
    if links:
        response["Link"] = ", ".join(links)
    return response


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    raise Http404


def _form_key(request: TokenRequest) -> uuid.UUID:
    """The form key of the `Idempotency-Key`, which is one token's own. Raises `Refused`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return uuid.uuid4()
    if not (0 < len(key) <= KEY_LIMIT and key.isascii() and key.isprintable()):
        raise Refused(400, _("An Idempotency-Key has 1 to %d characters of ASCII.") % KEY_LIMIT)
    return uuid.uuid5(_KEYS, f"{request.token.pk}:{key}")


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("limit", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:4]) <= MOST_KWIPS and len(text) <= 4):
        raise Refused(400, _("limit is a number from 1 to %d.") % MOST_KWIPS)
    return int(text)
