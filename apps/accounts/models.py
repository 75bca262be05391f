"""Users, sign-ups and former user names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, ClassVar
from zlib import crc32

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from apps.accounts import events, viewer
from apps.accounts.keys import user_key
from apps.accounts.time_zones import NAME_LIMIT
from apps.accounts.validators import USERNAME_PATTERN, not_reserved, username_shape
from apps.accounts.viewer import ViewerSummary
from apps.commandqueue.mail.headers import validate_header_address
from apps.invalidation import invalidate
from apps.plaintext import clean, clean_line, safe, truncate
from apps.policy.queries import Policy

COUNTERS = frozenset({
    "kwips_count", "comments_count", "favourites_count", "followers_count", "following_count",
})  # fmt: skip
# Fields that change what anonymous visitors see.
PUBLIC_FIELDS = frozenset({
    "username", "display_name", "bio", "pronouns", "location", "picture", "header_picture", "face",
    "is_active", "is_private", "is_limited",
})  # fmt: skip
NOTE_LIMIT = 280  # of an invitation
WORDS_LIMIT = 500  # of an application


class OffReason(IntFlag):
    """Why a person is switched off: one bit a reason. Without one they are active."""

    SUSPENDED = 1  # by an operator
    LEAVING = 2  # by themselves: their account will be deleted


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=(username or "").lower())

    def of_request(self, user_id: int) -> User | None:
        """The user with what the frame of each page shows, by one statement."""
        flags = {
            name: RawSQL(sql, (), models.BooleanField())  # noqa: S611 - the apps' own SQL
            for name, sql in viewer.annotations.items()
        }
        return self.annotate(**flags).filter(pk=user_id).first()

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """Creates a user. Raises ValidationError. Without a password, the user cannot sign in."""
        user = self.model(username=username.lower(), email=email, **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A user. The counters are exact: the transaction that adds or removes a row updates them."""

    username = models.CharField(
        _("user name"),
        max_length=30,
        unique=True,
        validators=[username_shape, not_reserved],
        error_messages={"unique": _("someone has that name already.")},
    )
    email = models.EmailField(_("e-mail address"), max_length=254)
    display_name = models.CharField(_("name to show"), max_length=50, blank=True)
    bio = models.TextField(_("about you"), max_length=500, blank=True)
    pronouns = models.CharField(_("your pronouns"), max_length=40, blank=True, default="", db_default="")
    location = models.CharField(_("where you are"), max_length=60, blank=True, default="", db_default="")
    picture = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        db_column="avatar",
        help_text=_("Name of the picture below media/avatars."),
    )
    # The name of the `pictures.Picture` above their page, "" for none.
    header_picture = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    # The code of the drawn face that they chose (`faces`); "" for the one that follows from the name.
    face = models.CharField(max_length=5, blank=True, default="", db_default="", editable=False)
    # That of their pages and mail; "" for the site's.
    language = models.CharField(max_length=10, blank=True, default="", db_default="", editable=False)
    # Incremented when a field that cards show changes (names, picture, face); not by counters.
    version = models.PositiveBigIntegerField(default=1, editable=False)

    kwips_count = models.PositiveIntegerField(default=0, editable=False)
    comments_count = models.PositiveIntegerField(default=0, editable=False)
    favourites_count = models.PositiveIntegerField(default=0, editable=False)
    followers_count = models.PositiveIntegerField(default=0, editable=False)
    following_count = models.PositiveIntegerField(default=0, editable=False)

    # Whether `off_reasons` is 0: `actions.switch_off` and `switch_on` write both.
    is_active = models.BooleanField(_("may sign in"), default=True)
    off_reasons = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # Follow requests, and kwips for followers by default.
    is_private = models.BooleanField(default=False, db_default=False, editable=False)
    # Left out of everyone's kwips, tags, search and suggestions; followers still see the person.
    is_limited = models.BooleanField(default=False, db_default=False, editable=False)
    # Whether single keys do something (WCAG 2.1.4).
    has_shortcuts = models.BooleanField(default=True, db_default=True, editable=False)
    # Whether the marks in what they write are shown as what they mean: quotes, lists, code, emphasis.
    formats_texts = models.BooleanField(default=True, db_default=True, editable=False)
    # Whether a kwip with a picture that has no words for those who can't see it is asked about once.
    reminds_alt = models.BooleanField(default=False, db_default=False, editable=False)
    # By a member's invitation, by the operator who accepted the application, or in the admin.
    is_vouched = models.BooleanField(
        _("someone vouches for them"),
        default=False,
        db_default=False,
        help_text=_("The limits of new accounts do not apply."),
    )
    is_staff = models.BooleanField(_("operates the site"), default=False)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

    # Whether something waits for the user at `/notifications/`, and at `/messages/`. No columns:
    # `viewer.annotations` computes them for the user of a request.
    unread: bool = False
    unread_messages: bool = False
    # Whether a moderator's warning waits to be read. As above.
    has_warning: bool = False
    # The time zone of the browser that signed up, for the subscribers of `joined`. No column.
    guessed_time_zone: str = ""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(username__regex=rf"^{USERNAME_PATTERN}$"), name="user_username_shape"
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_ci",
                violation_error_message=_("someone signed up with that address already."),
            ),
        ]
        indexes = [
            # Few rows: lists of people, and cards with mentions, read the deactivated users here.
            models.Index(fields=["id"], name="user_switched_off", condition=models.Q(is_active=False)),
            # Few rows: timelines of everyone read the limited users here.
            models.Index(fields=["id"], name="user_limited", condition=models.Q(is_limited=True)),
            # Few rows: the filter of the admin.
            models.Index(fields=["id"], name="user_staff", condition=models.Q(is_staff=True)),
            # Few rows: who has a role is asked each hour.
            models.Index(fields=["id"], name="user_superuser", condition=models.Q(is_superuser=True)),
            # For the beginning of a name; that of `username` comes with its uniqueness.
            models.Index(
                OpClass(Lower("display_name"), name="text_pattern_ops"),
                name="user_display_name_prefix",
                condition=~models.Q(display_name=""),
            ),
        ]

    # The site's policy, if it was read in the same round trip (`apps.accounts.backends`).
    _policy: Policy | None = None
    # The cached values of a user object from the cache; None if it was read from the database.
    _cached: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.username

    def clean(self) -> None:
        """The admin has no other form validation."""
        super().clean()
        self.display_name = clean_line(self.display_name)
        self.bio = clean(self.bio)
        self.pronouns, self.location = clean_line(self.pronouns), clean_line(self.location)
        if self._state.adding:
            try:
                validate_header_address(self.email)
            except ValidationError as error:
                raise ValidationError({"email": error}) from None

    def for_cache(self) -> dict[str, Any]:
        """The fields as JSON, with a digest in place of the password."""
        values = {field.attname: getattr(self, field.attname) for field in _cached_fields()}
        plain = {name: v.isoformat() if hasattr(v, "isoformat") else v for name, v in values.items()}
        return plain | {**self._marks(), "password_digest": self._password_digest()}

    @classmethod
    def cached_schema(cls) -> int:
        """Of `for_cache`'s values: each release has its own columns."""
        return _cached_schema(viewer.MARKS)

    @classmethod
    def from_cache(cls, cached: dict[str, Any]) -> User:
        """The inverse of `for_cache`. The password is a deferred field, read from the database on access."""
        values = {field.attname: cached[field.attname] for field in _cached_fields()}
        for field in _cached_times():
            values[field.attname] = field.to_python(values[field.attname])
        user = cls.from_db("default", values, list(values.values()))
        for name in viewer.MARKS:
            setattr(user, name, cached[name])
        user._cached = values | {**user._marks(), "password_digest": cached["password_digest"]}
        return user

    def _marks(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in viewer.MARKS}

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Saves no counters, since loaded values may be stale: `move_counters` updates them.

        A user object from the cache saves only the fields that changed.
        """
        if update_fields is None and self._cached is not None:
            update_fields = [name for name, value in self.__dict__.items() if self._is_changed(name, value)]
        elif update_fields is None and not self._state.adding and not options.get("force_insert"):
            update_fields = [field.attname for field in User._meta.concrete_fields if not field.primary_key]
        if update_fields is not None:
            update_fields = [name for name in update_fields if name not in COUNTERS]
        is_new = self._state.adding
        with transaction.atomic(savepoint=False):
            super().save(*args, update_fields=update_fields, **options)
            self._sync_cached()
            if is_new:
                events.joined.emit(events.Joined(self))
            elif shown := PUBLIC_FIELDS.intersection(update_fields or ()):
                events.profile_changed.emit(events.ProfileChanged(self, shown))
            else:
                invalidate(cache=[user_key(self.pk)])

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        super().refresh_from_db(*args, **options)  # also loads the deferred password
        self._sync_cached()

    def _sync_cached(self) -> None:
        """Records the current values as those of the database."""
        if self._cached is not None:
            self._cached |= {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        event = events.Deleted(self.pk, self.username)
        result = super().delete(*args, **options)
        events.deleted.emit(event)
        return result

    def _is_changed(self, name: str, value: object) -> bool:
        assert self._cached is not None  # noqa: S101
        return not name.startswith("_") and (name not in self._cached or self._cached[name] != value)

    def _password_digest(self) -> str:
        """A digest of the salted hash: it changes with the password and does not reveal it."""
        if self._cached is not None and "password" not in self.__dict__:
            return str(self._cached["password_digest"])
        return sha256(self.password.encode()).hexdigest()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's, computed over the digest: verifying a session does not need the password."""
        return _session_hash(self._password_digest(), settings.SECRET_KEY if secret is None else secret)

    @property
    def name(self) -> str:
        """The display name, or the user name if the display name is empty."""
        return safe(self.display_name) or self.username

    @property
    def avatar(self) -> str:
        """What the template tag of that name draws: an upload's name, a code of `faces`, or ""."""
        return self.picture or self.face

    @property
    def me(self) -> ViewerSummary:
        return ViewerSummary(*(getattr(self, field) for field in ViewerSummary._fields))

    @property
    def policy(self) -> Policy | None:
        """The site's policy as of the request, None for a user from the database."""
        return self._policy

    def get_full_name(self) -> str:
        return self.name

    get_short_name = get_full_name

    def get_absolute_url(self) -> str:
        return f"/{self.username}/"


class Invitation(models.Model):
    """A member's link for one person. Only a hash of the link's token is stored."""

    inviter = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    token_hash = models.CharField(max_length=64, unique=True)
    note = models.TextField(max_length=NOTE_LIMIT, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)
    # Who joined by it, once: "who invited whom".
    taken_by = models.OneToOneField(User, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        verbose_name = _("invitation")
        indexes = [models.Index(fields=["inviter", "-id"], name="invitation_inviter_id")]

    def __str__(self) -> str:
        return f"{self.inviter_id} → {self.taken_by_id or '?'}"


class Application(models.Model):
    """An applicant with a confirmed address, who waits for an operator. It has no page.

    A refused application is stored without its password, and reserves neither its name nor its address.
    """

    username = models.CharField(_("user name"), max_length=30)
    email = models.EmailField(_("e-mail address"), max_length=254)  # in lower case
    password = models.CharField(max_length=128, blank=True)  # hashed; empty once refused
    words = models.TextField(_("in their own words"), max_length=WORDS_LIMIT, blank=True)
    asked_at = models.DateTimeField(_("since"), db_default=Now())
    refused_at = models.DateTimeField(_("refused"), null=True, db_index=True)
    time_zone = models.CharField(max_length=NAME_LIMIT, blank=True, db_default="", editable=False)

    class Meta:
        verbose_name = _("application")
        constraints = [
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(refused_at__isnull=True), name="application_email_once"
            ),
            models.UniqueConstraint(
                fields=["username"],
                condition=models.Q(refused_at__isnull=True),
                name="application_username_once",
            ),
        ]

    def __str__(self) -> str:
        return self.username


class SignUp(models.Model):
    """A sign-up with an unconfirmed address. It has no page and cannot be mentioned.

    A confirmed one refers to its user or application, so that its link can still show the outcome.
    """

    username = models.CharField(max_length=30)
    email = models.EmailField(max_length=254)  # in lower case
    password = models.CharField(max_length=128, blank=True)  # hashed; empty once confirmed
    asked_at = models.DateTimeField(db_default=Now())
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    invitation = models.ForeignKey(Invitation, on_delete=models.SET_NULL, null=True, related_name="+")
    # What an applicant says to the operators.
    words = models.TextField(max_length=WORDS_LIMIT, blank=True, db_default="")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, null=True, related_name="+")
    # The browser's; empty if it reported none.
    time_zone = models.CharField(max_length=NAME_LIMIT, blank=True, db_default="")

    class Meta:
        verbose_name = _("sign-up")
        constraints = [
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(user__isnull=True), name="sign_up_email_once"
            ),
            models.UniqueConstraint(
                fields=["username"], condition=models.Q(user__isnull=True), name="sign_up_username_once"
            ),
        ]
        indexes = [models.Index(fields=["asked_at"], name="sign_up_asked_at")]

    def __str__(self) -> str:
        return self.username


class ProfileLink(models.Model):
    """A web address on the page of ``person``.

    ``verified_at``: when it was last found to link back, None if it does not.
    """

    MOST: ClassVar = 4

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=200)
    verified_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("link")
        constraints = [
            models.UniqueConstraint(fields=["person", "position"], name="profile_link_position_once"),
            models.CheckConstraint(condition=models.Q(position__lt=4), name="profile_link_at_most_four"),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def shown(self) -> str:
        """The address as the page shows it: without the scheme."""
        return truncate(self.url.partition("://")[2].rstrip("/"), 40)


class FormerName(models.Model):
    """The former name of a renamed user: until ``kept_until`` it redirects and is reserved."""

    name = models.CharField(max_length=30, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_names")
    kept_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("former name")

    def __str__(self) -> str:
        return self.name


class ReservedName(models.Model):
    """A name of a deleted person, which no one else can take until ``kept_until``.

    The row has a keyed hash in place of the name (`names.digests`), and no reference to the person.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    kept_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("reserved name")

    def __str__(self) -> str:
        return self.digest[:8]


class Leaving(models.Model):
    """A person whose account is deleted at ``due_at``; until ``progress`` is set they can come back."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(db_index=True)
    # The name of the eraser at work (`erasing`). Empty: nothing is deleted yet.
    progress = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        verbose_name = _("person who is leaving")

    def __str__(self) -> str:
        return f"{self.user_id} until {self.due_at:%Y-%m-%d}"


class KnownBrowser(models.Model):
    """A browser from which a person signed in: the digest of what its cookie says (`browsers`)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("known browser")
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="known_browser_once")]

    def __str__(self) -> str:
        return f"browser {self.pk}"


class FactorReset(models.Model):
    """A person whose second factors are taken off at ``due_at``, unless that is stopped (`factor_resets`)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    # The operator; None for the command line.
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    is_reminded = models.BooleanField(db_default=False)

    class Meta:
        verbose_name = _("reset of second factors")

    def __str__(self) -> str:
        return f"{self.user_id} at {self.due_at:%Y-%m-%d}"


@cache
def _cached_fields() -> list[models.Field[Any, Any]]:
    """All columns but the password."""
    return [field for field in User._meta.concrete_fields if field.attname != "password"]


@cache
def _cached_schema(marks: tuple[str, ...]) -> int:
    return crc32(repr(([field.attname for field in _cached_fields()], marks)).encode())


@cache
def _cached_times() -> list[models.Field[Any, Any]]:
    """Those of `_cached_fields` whose values JSON holds in another type."""
    return [field for field in _cached_fields() if isinstance(field, models.DateField)]


@lru_cache(maxsize=1000)
def _session_hash(password_digest: str, secret: str) -> str:
    """Computed once for a user's requests: it depends on nothing else."""
    salt = "kwippy.accounts.session"
    return salted_hmac(salt, password_digest, secret=secret, algorithm="sha256").hexdigest()
