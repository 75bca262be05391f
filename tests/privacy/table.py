"""What each address is about: the author's texts that it shows to a viewer who may read them.

A text is on a page exactly if the table has it there and `world.may_read` allows it; on a page of moderators,
`world.may_moderate`.
"""

from collections.abc import Callable, Collection, Mapping

from tests.privacy.world import ANONYMOUS, AUTHOR, BLOCKED, MODERATOR, MUTING, WITHHELD

# From a viewer and the address's arguments, with the author's state, to canaries.
type Shown = Callable[[str, Mapping[str, str]], Collection[str]]

WRITTEN = ("everyone", "followers", "comment")
LIMITED = "limited"
# The comment below each kwip.
BELOW = {"everyone": "answer", "followers": "reply", "host": "comment"}


def nothing(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return ()


def only(*canaries: str) -> Shown:
    return lambda viewer, arguments: canaries


def public(*canaries: str) -> Shown:
    """What everyone comes across: nothing of limited people."""
    return lambda viewer, arguments: () if arguments["state"] == LIMITED else canaries


def not_muted(*canaries: str) -> Shown:
    return lambda viewer, arguments: () if viewer == MUTING or arguments["state"] == LIMITED else canaries


def by_viewer(**canaries: Collection[str]) -> Shown:
    return lambda viewer, arguments: canaries.get(viewer, ())


def by_person(**canaries: Collection[str]) -> Shown:
    return lambda viewer, arguments: canaries.get(arguments["username"], ())


def the_text(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return () if viewer == ANONYMOUS else (arguments["text"],)


def the_own_text(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return (arguments["text"],) if viewer == AUTHOR else ()


def deletable(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """A host deletes comments below their kwip."""
    is_host = viewer == "hal" and arguments["text"] == "comment"
    return ("comment",) if is_host else the_own_text(viewer, arguments)


def the_earlier_text(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return ("earlier",) if arguments["text"] == "everyone" else ()


def the_conversation(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    text = arguments["text"]
    if viewer == MUTING and text == "host":
        return ()  # one who mutes does not read their comments either
    return (text, BELOW[text]) if text in BELOW else ()


def the_messages(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    pair = {viewer, arguments["username"]}
    return ("message", "unreported") if pair == {AUTHOR, "fay"} else ()


def the_message(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    is_theirs = arguments["owner"] == viewer and the_messages(viewer, arguments)
    return (arguments["text"],) if is_theirs else ()


def the_reported_text(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return () if viewer == AUTHOR else the_text(viewer, arguments)


def the_reported_person(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return ("bio",) if arguments["username"] == AUTHOR and viewer not in {ANONYMOUS, AUTHOR} else ()


def the_reported_message(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """Only its recipient reports a message."""
    return the_message(viewer, arguments) if viewer == "fay" else ()


def the_own_report(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return (arguments["case"],) if viewer == "fay" else ()


def a_case(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """The reported text with its conversation, and what is about its author."""
    return {*about_author(viewer, arguments), *(["reply"] if arguments["case"] == "followers" else [])}


def about_author(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """What a person wrote lately, and their cases."""
    about = {AUTHOR: (*WRITTEN, "bio", "message"), "fay": ("answer", "reply")}
    return about.get(arguments.get("username", AUTHOR), ())


def the_queue(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """What was reported, and what waits."""
    waiting = ("everyone", "comment") if arguments["state"] == "held" else ()
    return ("followers", "bio", "message", *waiting)


def network(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """fay and the author see both; the followers of fay see the one that fay shared."""
    if viewer == "hal":
        return first_follows(arguments)
    # What the followee of these two shared is withheld: their network is empty.
    if viewer in {"zoe", MODERATOR} and arguments["state"] in WITHHELD:
        return ("bio",)
    return () if viewer == MUTING else ("everyone", "followers")


def first_follows(arguments: Mapping[str, str]) -> Collection[str]:
    """Who follows no one gets suggestions with their newest words, but of no private or limited account."""
    return () if arguments["state"] in {"private", LIMITED} else ("bio", "everyone")


def landing(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return (everyone if viewer == ANONYMOUS else network)(viewer, arguments)


def to_meet(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return () if viewer in {*BLOCKED, MUTING} or arguments["state"] == LIMITED else ("bio",)


def whom_the_network_follows(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return to_meet(viewer, arguments) if viewer in {"zoe", "rex", MODERATOR} else ()


def writers(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """People of everyone's first page are suggested, with their bios."""
    if viewer == "hal":
        return first_follows(arguments)
    reads_no_kwip = arguments["state"] in {"private", *WITHHELD} and viewer != "fay"
    is_suggested = viewer in {"zoe", "rex", "fay", MODERATOR} and not reads_no_kwip
    return to_meet(viewer, arguments) if is_suggested else ()


def whom_they_ask(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return ("bio",) if viewer == "rex" and arguments["state"] == "private" else ()


def the_shares(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """What is no longer for everyone is shown in no list of shares."""
    is_shown = arguments["username"] == "fay" and arguments["state"] != "private"
    return ("everyone",) if is_shown else ()


def the_profile(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    return ("everyone", "followers", "bio") if arguments["username"] == AUTHOR else ()


def the_people(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """fay and the author follow each other; a block hides the author there too."""
    return ("bio",) if arguments["username"] == "fay" and viewer not in BLOCKED else ()


def the_search(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """A comment by fay is shown with the kwip above it, also if its author is muted or limited."""
    own = not_muted(*WRITTEN)(viewer, arguments)
    of_fay = ("everyone", "followers", "answer", "reply")
    found: Mapping[str, Collection[str]] = {
        "?q=from:ann": own,
        "?q=%23tea": own,
        "?q=from:fay": of_fay,
        "?q=after:2020": {*own, *of_fay},
        "?q=ann&in=people": () if viewer in BLOCKED or arguments["state"] == LIMITED else ("bio",),
    }
    return found.get(arguments["query"], ())


timeline_of_everyone = not_muted("everyone", "followers")


def everyone(viewer: str, arguments: Mapping[str, str]) -> Collection[str]:
    """What all come across, and in the right column one's own conversations with something new."""
    if viewer == AUTHOR:
        return ("everyone", "followers")
    return timeline_of_everyone(viewer, arguments)


# Documents are the same for each viewer: what an anonymous visitor may read.
DOCUMENTS: Mapping[str, Shown] = {
    "robots.txt": nothing,
    "manifest.webmanifest": nothing,
    "sw.js": nothing,
    "offline/": nothing,
    ".well-known/security.txt": nothing,
    ".well-known/<path:rest>": nothing,
    "sitemap.xml": nothing,
    "sitemap-kwips-<id_range:number>.xml": nothing,
    "sitemap-people-<id_range:number>.xml": nothing,
    "everyone/feed.atom": public("everyone"),
    "tag/<tag:name>/feed.atom": public("everyone", "comment"),
    "<person:username>/feed.atom": by_person(ann=("everyone", "bio")),
    "<person:username>/kwip/<kwip_id:kwip_id>/preview-<slug:requested>.jpg": nothing,
    "<person:username>/preview-<slug:requested>.jpg": nothing,
}

PAGES: Mapping[str, Shown] = {
    "": landing,
    "everyone/": everyone,
    "tag/<tag:name>/": not_muted(*WRITTEN),
    "people/": to_meet,
    "people/active/": to_meet,
    "people/network/": whom_the_network_follows,
    "welcome/": writers,
    "requests/sent/": whom_they_ask,
    "bookmarks/": by_viewer(
        fay=WRITTEN,
        zoe=("everyone",),
        rex=("everyone",),
        bob=("everyone",),
        bill=("everyone",),
        moe=("everyone",),
    ),
    "notifications/": by_viewer(
        zoe=WRITTEN,
        rex=WRITTEN,
        fay=WRITTEN,
        hal=WRITTEN,
        bob=WRITTEN,
        bill=WRITTEN,
        moe=WRITTEN,
        ann=(*WRITTEN, "answer", "reply"),
    ),
    "search/": the_search,
    "settings/": by_viewer(ann=("bio",)),
    "drafts/": by_viewer(ann=("draft",)),
    "drafts/<kwip_id:draft_id>/": by_viewer(ann=("draft",)),
    "drafts/<kwip_id:draft_id>/later/": by_viewer(ann=("draft",)),
    "drafts/<kwip_id:draft_id>/delete/": by_viewer(ann=("draft",)),
    "messages/": by_viewer(ann=("message",), fay=("message",)),
    "messages/<person:username>/": the_messages,
    "messages/<person:username>/<kwip_id:message_id>/": the_message,
    "messages/<person:username>/<kwip_id:message_id>/report/": the_reported_message,
    "kwip/<kwip_id:kwip_id>/report/": the_reported_text,
    "<person:username>/report/": the_reported_person,
    "moderation/reports/<kwip_id:case_id>/": the_own_report,
    "kwip/<kwip_id:kwip_id>/comment/": the_text,
    "kwip/<kwip_id:kwip_id>/edit/": the_own_text,
    "kwip/<kwip_id:kwip_id>/delete/": deletable,
    "<person:username>/": the_profile,
    "<person:username>/kwip/<kwip_id:kwip_id>/": the_conversation,
    "<person:username>/kwip/<kwip_id:kwip_id>/part/": lambda viewer, arguments: (arguments["text"],),
    "<person:username>/kwip/<kwip_id:kwip_id>/history/": the_earlier_text,
    "<person:username>/kwip/<kwip_id:kwip_id>/history/<kwip_id:revision_id>/": the_earlier_text,
    "<person:username>/favourites/": by_person(fay=WRITTEN),
    "<person:username>/shares/": the_shares,
    # A list of comments quotes the kwip above each.
    "<person:username>/comments/": by_person(
        ann=("comment",), fay=("everyone", "followers", "answer", "reply")
    ),
    "<person:username>/followers/": the_people,
    "<person:username>/following/": the_people,
}

# For moderators alone.
MODERATION: Mapping[str, Shown] = {
    "moderation/": the_queue,
    "moderation/<kwip_id:case_id>/": a_case,
    "moderation/people/<person:username>/": about_author,
}

# Pages without the words of others, and addresses that only take forms.
WITHOUT_WORDS = (
    "tags/", "settings/favourites/", "settings/writing/", "kwip/<kwip_id:kwip_id>/pin/",
    "drafts/keep/", "drafts/<kwip_id:draft_id>/cancel/",
    "<person:username>/statistics/",
    "about/", "about/keys/", "settings/keys/",
    ".well-known/change-password", "livez", "readyz", "metrics", "media/<path:path>",
    "contact/", "contact/thanks/", "csp-reports/", "rules/", "conduct/", "privacy/",
    "notifications/clear/", "^notifications/stop/(?P<token>[-:\\w]{1,400})/$",
    "notifications/message/<kwip_id:message_id>/",
    "settings/privacy/", "settings/privacy/narrow/",
    "requests/", "requests/accept-all/", "requests/<person:username>/accept/",
    "requests/<person:username>/refuse/",
    "settings/notices/", "settings/notices/try-again/", "settings/messages/", "settings/name/",
    "settings/picture/", "settings/picture/remove/", "settings/face/",
    "settings/header/", "settings/header/remove/",
    # The session of a viewer opens nothing below it: `apps/tokens/tests/test_network.py`.
    "api/kwips/", "api/network/", "^api/",
    "settings/tokens/", "settings/tokens/revoke/", "settings/tokens/<int:token_id>/revoke/",
    "settings/language/", "settings/by-mail/", "settings/by-mail/off/",
    "settings/leave/", "^accounts/back/(?P<token>[-:\\w]+)/$",
    "accounts/login/", "accounts/logout/", "accounts/signup/", "accounts/reauthenticate/", "accounts/email/",
    "accounts/confirm-email/", "accounts/confirm-email/again/", "accounts/confirm-email/change/",
    "^accounts/confirm-email/(?P<key>[-:\\w]+)/$", "accounts/password/change/", "accounts/password/set/",
    "accounts/password/reset/", "accounts/password/reset/done/", "accounts/password/reset/key/done/",
    "^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "accounts/sessions/", "accounts/sessions/<int:session_id>/end/",
    "accounts/2fa/", "accounts/2fa/authenticate/", "accounts/2fa/reauthenticate/", "accounts/2fa/trust/",
    "accounts/2fa/app/", "accounts/2fa/app/remove/", "accounts/2fa/codes/", "accounts/2fa/codes/new/",
    "accounts/2fa/passkeys/", "accounts/2fa/passkeys/add/", "accounts/2fa/passkeys/sign-in/",
    "accounts/2fa/passkeys/reauthenticate/", "accounts/2fa/passkeys/<int:pk>/",
    "accounts/2fa/passkeys/<int:pk>/remove/",
    "accounts/2fa/reset/", "^accounts/2fa/stay/(?P<token>[-:\\w]+)/$",
    "accounts/sessions/end/", "settings/security/", "accounts/login/code/confirm/",
    "invitations/", "invitations/<int:invitation_id>/revoke/", "^invitation/(?P<token>[0-9a-f]{40})/$",
    "messages/<person:username>/delete/",
    "settings/export/", "settings/export/<int:export_id>/",
    "settings/import/", "settings/import/upload/", "settings/import/apply/",
    "moderation/people/<person:username>/note/", "moderation/warning/",
    "moderation/appeal/<str:token>/", "kwip/<kwip_id:kwip_id>/why/",
    "settings/blocks/", "settings/mutes/", "settings/mutes/undo/", "kwip/<kwip_id:kwip_id>/mute/",
    "<person:username>/mute/", "<person:username>/block/", "<person:username>/unblock/",
    "<person:username>/buzz/", "<person:username>/follow/", "<person:username>/unfollow/",
    "kwip/", "kwip/pictures/", "people/complete/", "everyone/new/", "network/new/",
    "kwip/<kwip_id:kwip_id>/favourite/", "kwip/<kwip_id:kwip_id>/unfavourite/",
    "kwip/<kwip_id:kwip_id>/share/", "kwip/<kwip_id:kwip_id>/unshare/",
    "kwip/<kwip_id:kwip_id>/bookmark/", "kwip/<kwip_id:kwip_id>/unbookmark/",
    "kwip/<kwip_id:kwip_id>/track/", "kwip/<kwip_id:kwip_id>/untrack/",
    "kwip/<kwip_id:kwip_id>/of-the-day/",
    "<person:username>/kwip/<kwip_id:kwip_id>/whole/", "kwip/<kwip_id:kwip_id>/take-back/",
)  # fmt: skip

TABLE: Mapping[str, Shown] = {**DOCUMENTS, **PAGES, **MODERATION, **dict.fromkeys(WITHOUT_WORDS, nothing)}

# ── Who may ask ──────────────────────────────────────────────────────────────────────────────────

# Everyone, with or without a session. An address in none of these sets is for members: anonymous visitors
# and suspended people are sent to sign in, or refused.
EVERYONE = frozenset({
    *DOCUMENTS, "", "everyone/", "everyone/new/", "tag/<tag:name>/", "people/", "people/active/", "tags/",
    "search/", "about/", "about/keys/", "rules/", "conduct/", "privacy/", "contact/", "contact/thanks/",
    ".well-known/change-password", "livez", "readyz", "metrics", "media/<path:path>",
    "<person:username>/", "<person:username>/statistics/", "<person:username>/favourites/",
    "<person:username>/shares/", "<person:username>/comments/", "<person:username>/followers/",
    "<person:username>/following/", "<person:username>/kwip/<kwip_id:kwip_id>/",
    "<person:username>/kwip/<kwip_id:kwip_id>/part/", "<person:username>/kwip/<kwip_id:kwip_id>/whole/",
    "<person:username>/kwip/<kwip_id:kwip_id>/history/",
    "<person:username>/kwip/<kwip_id:kwip_id>/history/<kwip_id:revision_id>/",
    # Ways in and out, by a password or a key in the address.
    "accounts/login/", "accounts/logout/", "accounts/signup/", "accounts/confirm-email/",
    "accounts/confirm-email/again/", "accounts/confirm-email/change/",
    "^accounts/confirm-email/(?P<key>[-:\\w]+)/$",
    "accounts/password/reset/", "accounts/password/reset/done/", "accounts/password/set/",
    "accounts/password/reset/key/done/",
    "^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "^accounts/back/(?P<token>[-:\\w]+)/$", "^invitation/(?P<token>[0-9a-f]{40})/$",
    "^notifications/stop/(?P<token>[-:\\w]{1,400})/$", "moderation/appeal/<str:token>/",
    "accounts/login/code/confirm/", "accounts/2fa/authenticate/", "accounts/2fa/trust/",
    "accounts/2fa/passkeys/", "accounts/2fa/passkeys/sign-in/",
    # Reports of browsers, without cookies.
    "csp-reports/",
    # A token of a program, not a session: without one a 401.
    "api/kwips/", "api/network/", "^api/",
})  # fmt: skip
MODERATORS = frozenset({*MODERATION, "moderation/people/<person:username>/note/"})
OPERATORS = frozenset({"kwip/<kwip_id:kwip_id>/of-the-day/"})
# About a thing of one person: everyone else is told that it is not there, or that it is not theirs.
OF_ITS_OWNER = frozenset({
    "kwip/<kwip_id:kwip_id>/edit/", "kwip/<kwip_id:kwip_id>/delete/", "kwip/<kwip_id:kwip_id>/pin/",
    "kwip/<kwip_id:kwip_id>/why/", "kwip/<kwip_id:kwip_id>/take-back/",
    "drafts/<kwip_id:draft_id>/", "drafts/<kwip_id:draft_id>/later/", "drafts/<kwip_id:draft_id>/delete/",
    "drafts/<kwip_id:draft_id>/cancel/", "messages/<person:username>/<kwip_id:message_id>/",
    "messages/<person:username>/<kwip_id:message_id>/report/", "moderation/reports/<kwip_id:case_id>/",
    "settings/tokens/<int:token_id>/revoke/", "accounts/sessions/<int:session_id>/end/",
    "accounts/2fa/passkeys/<int:pk>/", "accounts/2fa/passkeys/<int:pk>/remove/",
    "invitations/<int:invitation_id>/revoke/", "settings/export/<int:export_id>/",
})  # fmt: skip
# Forms that need no token: reports of browsers, figures (a form changes nothing there), the button of a mail
# program with a key in its address, programs.
WITHOUT_CSRF = frozenset(
    {"csp-reports/", "metrics", "^notifications/stop/(?P<token>[-:\\w]{1,400})/$", "api/kwips/"}
)
# Reading that writes: what was seen, how far, and where from. No content, no relation, nothing of others.
SEEN = frozenset({
    "usersessions_usersession", "limits_tries", "limits_cache", "django_session", "kwips_track",
    "notifications_notice", "private_messages_side", "commandqueue_command",
})  # fmt: skip
