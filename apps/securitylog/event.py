"""What the security log has entries of. The labels are read by the person whom an entry concerns."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.TextChoices):
    SIGNED_UP = "signed_up", _("signed up")
    SIGNED_IN = "signed_in", _("signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("a wrong password")
    GUESSING = "guessing", _("many wrong passwords: we wrote to you")
    LIMIT_MET = "limit_met", _("too often: refused")
    REFUSED = "refused", _("not allowed: refused")
    FORM_REFUSED = "form_refused", _("an old form, or one of another site: refused")
    CODE_ASKED = "code_asked", _("asked for a code from your mail")
    CODE_FAILED = "code_failed", _("a wrong code")
    REAUTHENTICATED = "reauthenticated", _("typed the password again")
    FACTOR_ADDED = "factor_added", _("a second factor was added")
    FACTOR_REMOVED = "factor_removed", _("a second factor was removed")
    FACTOR_USED = "factor_used", _("a second factor was used")
    FACTORS_RESET_ASKED = "factors_reset_asked", _("asked to be let in without the second factor")
    FACTORS_RESET = "factors_reset", _("the second factors were taken off")
    FACTORS_RESET_CANCELLED = "factors_reset_cancelled", _("kept the second factors")
    CODES_MADE = "codes_made", _("new recovery codes")
    PASSWORD_CHANGED = "password_changed", _("the password was changed")
    PASSWORD_RESET_ASKED = "password_reset_asked", _("asked for a new password by mail")
    PASSWORD_RESET = "password_reset", _("a new password by the link in our mail")
    ADDRESS_ADDED = "address_added", _("an address was added")
    ADDRESS_CONFIRMED = "address_confirmed", _("an address was confirmed")
    ADDRESS_CHANGED = "address_changed", _("another address for our mail")
    ADDRESS_REMOVED = "address_removed", _("an address was removed")
    NAME_CHANGED = "name_changed", _("another user name")
    SIGNED_OUT = "signed_out", _("signed out")
    SESSION_ENDED = "session_ended", _("a device was signed out")
    SESSIONS_ENDED = "sessions_ended", _("signed out everywhere")
    TOKEN_MADE = "token_made", _("a token for a program was made")
    TOKEN_USED_FIRST = "token_used_first", _("a program used its token first")
    TOKEN_ENDED = "token_ended", _("a token was ended")
    CONSENT = "consent", _("agreed to the rules")
    STAFF_ACT = "staff_act", _("something in the admin")
    MODERATION_ACT = "moderation_act", _("something by a moderator")
    SWITCHED_OFF = "switched_off", _("the account was put to sleep")
    SWITCHED_ON = "switched_on", _("the account was woken up")
    EXPORTED = "exported", _("an archive was asked for")
    DELETION_ASKED = "deletion_asked", _("left: the account is hidden")
    CAME_BACK = "came_back", _("came back")
    DELETED = "deleted", _("the account was deleted")


# These can be caused again and again: those of a minute that are alike are one row, with a count.
COLLAPSED = frozenset(
    {
        Event.SIGNED_IN,
        Event.SIGN_IN_FAILED,
        Event.LIMIT_MET,
        Event.REFUSED,
        Event.FORM_REFUSED,
        Event.CODE_ASKED,
        Event.CODE_FAILED,
        Event.REAUTHENTICATED,
        Event.FACTOR_ADDED,
        Event.FACTOR_REMOVED,
        Event.FACTOR_USED,
        Event.CODES_MADE,
        Event.PASSWORD_CHANGED,
        Event.PASSWORD_RESET_ASKED,
        Event.ADDRESS_ADDED,
        Event.ADDRESS_CONFIRMED,
        Event.ADDRESS_CHANGED,
        Event.ADDRESS_REMOVED,
        Event.SIGNED_OUT,
        Event.SESSION_ENDED,
    }
)
# Those of them that anyone can cause without a password: they have an allowance (`allowance.py`).
OPEN_TO_ALL = frozenset({Event.SIGN_IN_FAILED, Event.LIMIT_MET, Event.PASSWORD_RESET_ASKED})
# What a person is refused (`forbidden.py`): they choose all of its columns, so it has an allowance, too.
BY_THE_PERSON = frozenset({Event.REFUSED, Event.FORM_REFUSED})
# What costs a client nothing but the request: beyond so many a minute, it is not even counted.
UNCOUNTED_BEYOND = BY_THE_PERSON | {Event.LIMIT_MET}
# What operators and moderators do is for operators, also where it concerns a person.
NOT_FOR_PERSON = frozenset({Event.STAFF_ACT, Event.MODERATION_ACT})
