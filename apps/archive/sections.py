"""The sections of the archive, in the order of its index."""

from collections.abc import Mapping

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from apps.archive import rows
from apps.archive.registry import Rows, Section, register
from apps.contact.models import Message as ContactMessage
from apps.graph.models import Block, Follow, FollowRequest, Mute, MutedConversation, MutedWord
from apps.kwips.models import Bookmark, Favourite, Share, Track
from apps.messages.models import Report
from apps.securitylog import queries as security_log
from apps.tokens.models import Token

_WHEN = "when"
_ADDRESS = {"url": "the kwip or comment", "author": "the user name of its author"}
_ENDING = {"since": _WHEN, "ends_at": "when it ends by itself", "muffled": "folded to a line, not gone"}
_PEOPLE = {"username": "their user name", "since": _WHEN}
_MARKED = _ADDRESS | {"since": _WHEN}
_TEXT = {"text": "as it was written"}
_FORMATTED = {"formatted": "whether marks in it are shown as quotes, lists, code and emphasis"}
_NOTED = {"note": "the line before the text", **_FORMATTED}
_EDITED = {"created_at": _WHEN, "edited_at": "when the text last changed"}


def _register(name: str, title: str, fields: Mapping[str, str], of: Rows, *models: str) -> None:
    register(Section(name, title, fields, of, models))


_register(
    "profile",
    "profile",
    {
        "username": "user name",
        "former_names": "former user names that lead here",
        "display_name": "name to show",
        "about": "what the profile says",
        "pronouns": "as they were typed",
        "place": "as it was typed",
        "links": "addresses on the profile",
        "pinned": "the kwip at its top",
        "email": "e-mail address",
        "picture": "the file of the picture",
        "header": "the file of the picture above the profile",
        "face": "the parts of the drawn face, if it was chosen",
        "joined_at": _WHEN,
        "is_private": "whether the account is private",
        "has_shortcuts": "whether single keys do something",
        "formats_texts": "whether what one writes is formatted",
        "reminds_alt": "whether pictures without words for those who can't see them are asked about",
        "takes_messages": "whether people whom one follows may write",
        "takes_buzzes": "whether they may buzz",
    },
    rows.single(rows.profile_of),
    "accounts.FormerName",
    "accounts.ProfileLink",
    "kwips.Pin",
    "private_messages.Preference",
)
_register(
    "kwips",
    "kwips",
    {
        "url": "address",
        **_TEXT,
        **_NOTED,
        **_EDITED,
        "followers_only": "whether it is for followers alone",
        "key": "UUID: an import adds each key once",
        "pictures": "of each its file in the archive, and its words",
        "is_sensitive": "whether they are folded behind a word",
        "imported": "whether it came from an archive",
        "comments": "how many there are",
        "favourites": "how often it is one",
        "shares": "how often it is shared",
    },
    rows.listed(rows.kwips_of, rows.kwip),
    "kwips.Kwip",
    "pictures.Picture",
)
_register(
    "comments",
    "comments",
    {"url": "address", "on": "the kwip, if one may still see it", **_TEXT, **_FORMATTED, **_EDITED},
    rows.comments_of,
    "kwips.Kwip",
)
_register(
    "revisions",
    "earlier versions",
    {"url": "the kwip or comment", **_TEXT, **_NOTED, "written_at": _WHEN},
    rows.listed(rows.revisions_of, rows.revision),
)
_register(
    "messages",
    "messages",
    {"with": "user name of the other person", "mine": "whether one wrote it", **_TEXT, "sent_at": _WHEN},
    rows.listed(rows.messages_of, rows.message),
    "private_messages.Message",
)
for _name, _title, _model, _owner, _other in (
    ("follows", "whom you follow", Follow, "follower", "followee"),
    ("requests", "whom you asked to follow", FollowRequest, "asker", "asked"),
    ("asking", "who asks to follow you", FollowRequest, "asked", "asker"),
    ("followers", "who follows you", Follow, "followee", "follower"),
    ("blocks", "whom you blocked", Block, "blocker", "blocked"),
    ("mutes", "whom you muted", Mute, "muter", "muted"),
):
    _register(_name, _title, _PEOPLE, rows.people(_model, _owner, _other), _model._meta.label)
for _name, _title, _mark, _owner in (
    ("favourites", "favourites", Favourite, "user"),
    ("bookmarks", "bookmarks", Bookmark, "user"),
    ("shares", "shares", Share, "sharer"),
):
    _register(_name, _title, _MARKED, rows.marked(_mark, _owner, rows.since), _mark._meta.label)
_register(
    "muted_words",
    "muted words and tags",
    {"word": "as it was typed", **_ENDING},
    rows.listed(lambda person_id: MutedWord.objects.filter(muter=person_id), rows.muted_word),
    "graph.MutedWord",
)
_register(
    "muted_conversations",
    "muted conversations",
    _ADDRESS | _ENDING,
    rows.marked(MutedConversation, "muter", rows.ending),
    "graph.MutedConversation",
)
_register(
    "tracks",
    "conversations",
    _ADDRESS
    | {"tracked": "whether new comments notify", "seen_at": "when the newest comment that you saw was shown"},
    rows.marked(Track, "user", rows.tracked, key="kwip_id"),
    "kwips.Track",
)
_register(
    "notices",
    "notices and mail",
    {
        "channels": "how far each kind of notice goes",
        "digest": "how often there is one",
        "hour": "when it is sent",
        "time_zone": "of that hour",
    },
    rows.single(rows.notices_of),
    "notifications.Preferences",
)
_register(
    "invitations",
    "invitations",
    {"note": "what it says", "created_at": _WHEN, "expires_at": _WHEN, "taken_by": "who joined by it"},
    rows.listed(rows.invitations_of, rows.invitation),
    "accounts.Invitation",
)
_register(
    "sessions",
    "where you are signed in",
    {"network": "the address", "browser": "as it names itself", "since": _WHEN, "last_seen_at": _WHEN},
    rows.listed(lambda person_id: UserSession.objects.filter(user=person_id), rows.session),
    "usersessions.UserSession",
)
_register(
    "factors",
    "second factors",
    {
        "kind": "`totp`: an app; `webauthn`: a passkey; `recovery_codes`",
        "name": "of a passkey",
        "since": _WHEN,
        "last_used_at": _WHEN,
    },
    rows.listed(lambda person_id: Authenticator.objects.filter(user=person_id), rows.factor),
    "mfa.Authenticator",
)
_register(
    "security",
    "what happened in your account",
    {
        "event": "what it was",
        "at": _WHEN,
        "times": "how often within a minute",
        "network": "the beginning of the address that it came from",
        "browser": "its kind",
        "system": "what it runs on",
    },
    rows.listed(security_log.all_of_person, rows.security),
    "securitylog.Entry",
)
_register(
    "tokens",
    "programs that act for you",
    {"name": "what it is for", "scopes": "what it may do", "since": _WHEN, "last_used_at": _WHEN},
    rows.listed(lambda person_id: Token.objects.filter(owner=person_id), rows.token),
    "tokens.Token",
)
_register(
    "letters",
    "to the operators",
    {"subject": "subject", **_TEXT, "sent_at": _WHEN},
    rows.listed(lambda person_id: ContactMessage.objects.filter(member=person_id), rows.letter),
    "contact.Message",
)
_register(
    "reports",
    "reported messages",
    {"about": "user name of its writer", "note": "what one said about it", "reported_at": _WHEN},
    rows.listed(
        lambda person_id: Report.objects.filter(reporter=person_id).select_related("writer"), rows.report
    ),
    "private_messages.Report",
)
