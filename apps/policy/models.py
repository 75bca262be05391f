"""The policy: one row."""

import datetime
import ipaddress
import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.invalidation import invalidate
from apps.plaintext import clean, clean_line
from apps.policy.keys import BLOCKED, POLICY

ANNOUNCEMENT_LIMIT = 280
# Rows of each table of blocked domains and networks: they are one entry of the cache.
MOST_BLOCKED = 10_000
GREETING_LIMIT = 1_000
# For at most so long the site is under attack by one decision.
MOST_ATTACK_DAYS = 30
NEW_ACCOUNT_HOURS = 24


class SignUpMode(models.TextChoices):
    """Who may sign up."""

    OPEN = "open", _("open: everyone")
    INVITATION = "invitation", _("by invitation: only people with a member's invitation")
    APPROVAL = "approval", _("by approval: an operator accepts or refuses each application")
    CLOSED = "closed", _("closed: no one")


class AttackSignUp(models.TextChoices):
    """Who may sign up under attack, if otherwise more people may."""

    APPROVAL = SignUpMode.APPROVAL.value, _("by approval: an operator accepts or refuses each application")
    INVITATION = SignUpMode.INVITATION.value, _("by invitation: only people with a member's invitation")


class SitePolicy(models.Model):
    """The only row has the id 1. Without it the defaults apply."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sign_up = models.CharField(
        _("who may sign up"), max_length=10, choices=SignUpMode.choices, default=SignUpMode.OPEN
    )
    announcement = models.CharField(
        _("announcement"),
        max_length=ANNOUNCEMENT_LIMIT,
        blank=True,
        help_text=_("One line above every page. Addresses become links."),
    )
    announcement_until = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("When the announcement disappears by itself.")
    )
    greeter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("house account"),
        help_text=_("The account that comments on the first kwip of each newcomer. Empty: no greeting."),
    )
    greeting = models.TextField(
        _("greeting"),
        max_length=GREETING_LIMIT,
        blank=True,
        help_text=_("What it says; {name} becomes the newcomer's @name. Empty: no greeting."),
    )

    new_account_hours = models.PositiveSmallIntegerField(
        _("hours for which an account is new"),
        default=NEW_ACCOUNT_HOURS,
        db_default=NEW_ACCOUNT_HOURS,
        validators=[MaxValueValidator(24 * 30)],
        help_text=_(
            "A new account has limits of its own for links and mentions. They do not apply to people whom a "
            "member invited or an operator accepted. 0: no account is new."
        ),
    )

    away_until = models.DateTimeField(
        _("away until"),
        null=True,
        blank=True,
        help_text=_(
            "Until then what new accounts write waits for a moderator, and so does what three people report. "
            "Empty: not away."
        ),
    )

    attack_until = models.DateTimeField(
        _("under attack until"),
        null=True,
        blank=True,
        help_text=_(
            "Until then forms for signing up and writing to you ask browsers for some computing, sign-up is "
            "as below, an account is new for a week, and new accounts can write little. It ends by itself. "
            "Empty: no attack."
        ),
    )
    attack_sign_up = models.CharField(
        _("who may sign up under attack"),
        max_length=10,
        choices=AttackSignUp,
        default=AttackSignUp.APPROVAL,
        db_default=AttackSignUp.APPROVAL.value,
    )
    proof_of_work = models.BooleanField(
        _("forms always ask for some computing"),
        default=False,
        db_default=False,
        help_text=_(
            "Signing up and writing to you take a browser a second or two of computing, and without scripts "
            "a short wait, even if there is no attack."
        ),
    )

    class Meta:
        verbose_name = _("site policy")
        verbose_name_plural = _("site policy")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="policy_one_row"),
            models.CheckConstraint(
                condition=models.Q(announcement="") | models.Q(announcement_until__isnull=False),
                name="policy_announcement_ends",
            ),
        ]

    def __str__(self) -> str:
        return str(_("site policy"))

    def clean(self) -> None:
        self.announcement = clean_line(self.announcement)
        self.greeting = clean(self.greeting).strip()
        if self.announcement and self.announcement_until is None:
            raise ValidationError({"announcement_until": _("An announcement needs an end.")})
        latest = timezone.now() + datetime.timedelta(days=MOST_ATTACK_DAYS)
        if self.attack_until is not None and self.attack_until > latest:
            text = _("At most %(n)d days from now; it can be set again.") % {"n": MOST_ATTACK_DAYS}
            raise ValidationError({"attack_until": text})

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        """Writes the only row. Invalidates its cache entry and, for a new announcement, the pages with it."""
        from apps.policy import tasks  # it imports this module

        line = ("announcement", "announcement_until")
        before = type(self).objects.filter(pk=1).values_list(*line).first()
        self._state.adding = before is None
        super().save(*args, **options)
        is_changed = (before or ("", None)) != tuple(getattr(self, name) for name in line)
        invalidate(cache=[POLICY], pages=[POLICY] if is_changed else [])
        if is_changed and self.announcement and self.announcement_until is not None:
            tasks.schedule_end(self.announcement_until)


class Blocked(models.Model):
    """What is common to `BlockedDomain` and `BlockedNetwork`. `blocked` reads both from the cache."""

    reason = models.CharField(_("reason"), max_length=200, blank=True, help_text=_("For operators alone."))
    until = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: for good."))
    created_at = models.DateTimeField(_("since"), db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def clean(self) -> None:
        self.reason = clean_line(self.reason)
        rows = type(self)._default_manager.all()
        if self._state.adding and rows[:MOST_BLOCKED].count() == MOST_BLOCKED:
            raise ValidationError(_("The list is full: %(n)s entries.") % {"n": f"{MOST_BLOCKED:,}"})

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        super().save(*args, **options)
        invalidate(cache=[BLOCKED])

    @transaction.atomic
    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        result = super().delete(*args, **options)
        invalidate(cache=[BLOCKED])
        return result


class BlockedDomain(Blocked):
    """No one signs up with an e-mail address of this domain or of its subdomains."""

    value = models.CharField(
        _("domain"),
        max_length=253,
        unique=True,
        help_text=_("Such as example.org, with all its subdomains."),
    )

    class Meta:
        verbose_name = _("blocked e-mail domain")

    def __str__(self) -> str:
        return self.value

    def clean_fields(self, exclude: Any = None) -> None:
        if "value" not in (exclude or ()):
            self.value = domain_of(self.value)
        super().clean_fields(exclude)


class BlockedNetwork(Blocked):
    """No one signs up from this network."""

    value = models.CharField(
        _("network"),
        max_length=43,
        unique=True,
        help_text=_("Such as 192.0.2.0/24 or 2001:db8::/32; an address alone is a network of one."),
    )

    class Meta:
        verbose_name = _("blocked network")

    def __str__(self) -> str:
        return self.value

    def clean_fields(self, exclude: Any = None) -> None:
        if "value" not in (exclude or ()):
            self.value = network_of(self.value)
        super().clean_fields(exclude)


_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
WIDEST = {4: 8, 6: 16}  # the shortest prefix, by the version of the protocol


def domain_of(text: str) -> str:
    """The domain as stored: in lower case and ASCII. Raises ValidationError."""
    domain = ascii_domain(text.strip().lstrip("@*."))
    if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
        raise _wrong(text, _("“%(text)s” is no domain such as example.org."))
    return domain


def ascii_domain(text: str) -> str:
    """In lower case, with international names as DNS has them."""
    try:
        return text.lower().rstrip(".").encode("idna").decode()
    except UnicodeError:
        return text.lower()


def network_of(text: str) -> str:
    """The network as stored, without bits beyond its prefix. Raises ValidationError."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise _wrong(text, _("“%(text)s” is no network such as 192.0.2.0/24.")) from None
    if network.prefixlen < WIDEST[network.version]:
        raise _wrong(text, _("“%(text)s” is too large a network to be meant."))
    return str(network)


def _wrong(text: str, message: Any) -> ValidationError:
    return ValidationError({"value": message % {"text": text.strip()[:100]}})
