"""Which addresses ask for the password again (`apps.accounts.reauthentication`): the one place that says so.

`guard` wraps their views as the URL map is built, so that no other request pays for it. An address below
`WATCHED` that the table lacks asks always; a test fails until it has a line.
"""

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, reverse

from apps.accounts import members, reauthentication
from apps.accounts.returned_words import typed
from apps.moderation import factor_duty
from apps.moderation.roles import has_role
from apps.securitylog import forbidden

type View = Callable[..., HttpResponseBase]

WATCHED = ("admin/", "moderation/", "accounts/", "settings/")


class Asks(Enum):
    NEVER = "never"
    ITSELF = "its own form has a field for the password"
    TO_CHANGE = "before a form is taken"
    ALWAYS = "before the page is shown, too"
    STAFF = "always, of people with a role, who need a second factor; everyone else gets what the view says"


# By the route in the URL map. A star stands for all below; the longest line that fits counts.
ADDRESSES: dict[str, Asks] = {
    "admin/*": Asks.STAFF,
    "admin/login/": Asks.NEVER,
    "admin/logout/": Asks.NEVER,
    "admin/jsi18n/": Asks.NEVER,
    "moderation/": Asks.STAFF,
    "moderation/<kwip_id:case_id>/": Asks.STAFF,
    "moderation/people/<person:username>/": Asks.STAFF,
    "moderation/people/<person:username>/note/": Asks.STAFF,
    "kwip/<kwip_id:kwip_id>/of-the-day/": Asks.STAFF,
    # Of members: what became of a report, a warning, an appeal.
    "moderation/reports/<kwip_id:case_id>/": Asks.NEVER,
    "moderation/warning/": Asks.NEVER,
    "moderation/appeal/<str:token>/": Asks.NEVER,
    # Ways in.
    "accounts/login/": Asks.NEVER,
    "accounts/login/code/confirm/": Asks.NEVER,
    "accounts/logout/": Asks.NEVER,
    "accounts/signup/": Asks.NEVER,
    "accounts/reauthenticate/": Asks.NEVER,
    "accounts/confirm-email/*": Asks.NEVER,
    "accounts/password/set/": Asks.NEVER,
    "accounts/password/reset/*": Asks.NEVER,
    r"accounts/back/(?P<token>[-:\w]+)/$": Asks.NEVER,
    # What opens the account, or takes it along.
    "accounts/email/": Asks.ALWAYS,
    "accounts/password/change/": Asks.ITSELF,
    "accounts/2fa/": Asks.NEVER,
    "accounts/2fa/authenticate/": Asks.NEVER,
    "accounts/2fa/reauthenticate/": Asks.NEVER,
    "accounts/2fa/trust/": Asks.NEVER,
    # Stopping it only keeps what is.
    "accounts/2fa/reset/": Asks.NEVER,
    r"accounts/2fa/stay/(?P<token>[-:\w]+)/$": Asks.NEVER,
    "accounts/2fa/app/*": Asks.ALWAYS,
    "accounts/2fa/codes/*": Asks.ALWAYS,
    "accounts/2fa/passkeys/": Asks.NEVER,
    "accounts/2fa/passkeys/sign-in/": Asks.NEVER,
    "accounts/2fa/passkeys/reauthenticate/": Asks.NEVER,
    "accounts/2fa/passkeys/add/": Asks.ALWAYS,
    "accounts/2fa/passkeys/<int:pk>/": Asks.ALWAYS,
    "accounts/2fa/passkeys/<int:pk>/remove/": Asks.ALWAYS,
    "accounts/sessions/": Asks.TO_CHANGE,
    "accounts/sessions/end/": Asks.TO_CHANGE,
    "accounts/sessions/<int:session_id>/end/": Asks.TO_CHANGE,
    "settings/tokens/": Asks.TO_CHANGE,
    "settings/tokens/revoke/": Asks.TO_CHANGE,
    "settings/tokens/<int:token_id>/revoke/": Asks.TO_CHANGE,
    "settings/by-mail/": Asks.TO_CHANGE,
    "settings/by-mail/off/": Asks.TO_CHANGE,
    "settings/export/": Asks.ALWAYS,
    "settings/export/<int:export_id>/": Asks.ALWAYS,
    "settings/leave/": Asks.ITSELF,
    # Everything else of a person.
    "settings/": Asks.NEVER,
    "settings/name/": Asks.NEVER,
    "settings/picture/*": Asks.NEVER,
    "settings/header/*": Asks.NEVER,
    "settings/face/": Asks.NEVER,
    "settings/language/": Asks.NEVER,
    "settings/keys/": Asks.NEVER,
    "settings/security/": Asks.NEVER,
    "settings/writing/": Asks.NEVER,
    "settings/favourites/": Asks.NEVER,
    "settings/privacy/*": Asks.NEVER,
    "settings/messages/": Asks.NEVER,
    "settings/mutes/*": Asks.NEVER,
    "settings/blocks/": Asks.NEVER,
    "settings/notices/*": Asks.NEVER,
    "settings/import/*": Asks.NEVER,
}


def guard(patterns: list[URLPattern | URLResolver], beginning: str = "") -> list[URLPattern | URLResolver]:
    """The patterns, whose views ask before they answer."""
    for pattern in patterns:
        route = beginning + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            guard(pattern.url_patterns, route)
        elif (asks := asks_at(route)) not in (Asks.NEVER, Asks.ITSELF):
            pattern.callback = _asking(pattern.callback, asks)
    return patterns


def asks_at(route: str) -> Asks:
    if (found := line_of(route)) is not None:
        return ADDRESSES[found]
    return Asks.ALWAYS if route.startswith(WATCHED) else Asks.NEVER


def line_of(route: str) -> str | None:
    """The line of the table that counts for a route."""
    fitting = [
        line for line in ADDRESSES if line == route or (line[-1] == "*" and route.startswith(line[:-1]))
    ]
    return max(fitting, key=lambda line: (line == route, len(line)), default=None)


def _asking(view: View, asks: Asks) -> View:
    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A long text of an operator, say, whose session has ended; these views would drop it.
            is_lost = asks is Asks.STAFF and request.method == "POST" and typed(request)
            return members.signed_out(request) if is_lost else view(request, *args, **kwargs)
        if asks is Asks.TO_CHANGE and request.method in reauthentication.SAFE:
            return view(request, *args, **kwargs)
        if asks is Asks.STAFF:
            if not has_role(request.user):
                return _noted(request, view(request, *args, **kwargs))
            if (refused := factor_duty.refusal(request)) is not None:
                return refused
        response = reauthentication.ask(request) or view(request, *args, **kwargs)
        return _noted(request, response) if asks is Asks.STAFF else response

    return asking


def _noted(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The admin leads a signed-in person who may not enter it to its own form for signing in."""
    if response.status_code == 302 and response.headers["Location"].startswith(reverse("admin:login")):
        forbidden.note(request, "no role")
    return response
