"""The pages that list people and tags."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.keys import BIOS, NAMES, PEOPLE
from apps.accounts.members import MemberRequest, members_only, viewer_id
from apps.accounts.models import User
from apps.directory import queries
from apps.directory.keys import DIRECTORY
from apps.graph.queries import asked_among, followed_among
from apps.keyset import Page
from apps.pagecache import public_page
from apps.policy.keys import POLICY


@public_page(NAMES, PEOPLE, BIOS, POLICY, DIRECTORY)
@require_safe
def new(request: HttpRequest) -> HttpResponse:
    page = queries.new(viewer_id(request), request.GET)
    return _people(request, "new", page, tags=queries.busy_tags() if page.is_first else [])


@public_page(PEOPLE, BIOS, POLICY, DIRECTORY)
@require_safe
def active(request: HttpRequest) -> HttpResponse:
    return _people(request, "active", queries.active(viewer_id(request), request.GET))


@require_safe
@members_only
def network(request: MemberRequest) -> HttpResponse:
    return _people(request, "network", queries.network(request.user.pk, request.GET))


@public_page(PEOPLE, POLICY, DIRECTORY)
@require_safe
def tags(request: HttpRequest) -> HttpResponse:
    return render(request, "directory/tags.html", {"tags": queries.busy_tags()})


def _people(request: HttpRequest, tab: str, page: Page[User], **context: object) -> HttpResponse:
    viewer = viewer_id(request)
    ids = [person.pk for person in page]
    followed = followed_among(viewer, ids) if viewer and ids else set()
    asked = asked_among(viewer, page.items) if viewer else set()
    people = [(it, it.pk in followed, it.pk in asked, viewer not in (None, it.pk)) for it in page]
    shown = {"tab": tab, "page": page, "people": people}
    return render(request, "directory/people.html", shown | context)
