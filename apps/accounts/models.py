"""People."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from apps.accounts import events
from apps.accounts.keys import user_key
from apps.accounts.me import Me
from apps.accounts.validators import USERNAME_PATTERN, not_reserved, username_shape
from apps.commandqueue.mail.headers import validate_header_address
from apps.invalidation import invalidate
from apps.plaintext import clean, clean_line, safe

COUNTERS = frozenset({
    "kwips_count", "comments_count", "favourites_count", "followers_count", "following_count",
})  # fmt: skip


# What anonymous visitors see of a person, and whether they see anything.
SHOWN = frozenset({"username", "display_name", "bio", "avatar", "is_active"})


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=(username or "").lower())

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """A new person. Raises ValidationError for a name or address that can't be.

        ``username`` is lower-cased; ``password`` None makes an account nobody can sign in to.
        """
        user = self.model(username=username.lower(), email=email, **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The counters are exact: whatever adds or removes a row moves them in its transaction."""

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
    avatar = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("Name of the picture below media/avatars.")
    )
    # Rises with what a kwip's card shows of its author (name, display name, picture), never with counters.
    version = models.PositiveBigIntegerField(default=1, editable=False)

    kwips_count = models.PositiveIntegerField(default=0, editable=False)
    comments_count = models.PositiveIntegerField(default=0, editable=False)
    favourites_count = models.PositiveIntegerField(default=0, editable=False)
    followers_count = models.PositiveIntegerField(default=0, editable=False)
    following_count = models.PositiveIntegerField(default=0, editable=False)

    is_active = models.BooleanField(_("may sign in"), default=True)
    is_staff = models.BooleanField(_("operates the site"), default=False)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

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
            # Few rows: lists of people, and cards that mention people, look for them here.
            models.Index(fields=["id"], name="user_switched_off", condition=models.Q(is_active=False)),
        ]

    # What a user object that came from the cache was made of; None for one from the database.
    _kept: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.username

    def clean(self) -> None:
        """Also for the admin's form, which knows of no other."""
        super().clean()
        self.display_name = clean_line(self.display_name)
        self.bio = clean(self.bio)
        if self._state.adding:
            try:
                validate_header_address(self.email)
            except ValidationError as error:
                raise ValidationError({"email": error}) from None

    def for_cache(self) -> dict[str, Any]:
        """What the cache keeps of this person: JSON, and nothing that would open the account."""
        kept = {field.attname: getattr(self, field.attname) for field in _cached_fields()}
        return {
            **{
                name: value.isoformat() if hasattr(value, "isoformat") else value
                for name, value in kept.items()
            },
            "password_digest": self._password_digest(),
        }

    @classmethod
    def from_cache(cls, kept: dict[str, Any]) -> User:
        """The person that `for_cache` kept. The password stays in the database until someone asks for it."""
        fields = _cached_fields()
        values = [field.to_python(kept[field.attname]) for field in fields]
        user = cls.from_db("default", [field.attname for field in fields], values)
        user._kept = {field.attname: value for field, value in zip(fields, values, strict=True)} | {
            "password_digest": kept["password_digest"]
        }
        return user

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Saves; never a counter, and a user object from the cache only what was changed on it.

        Counters move by `move_counters` alone: what an object was loaded with may be old by now.
        """
        if update_fields is None and self._kept is not None:
            update_fields = [name for name, value in self.__dict__.items() if self._is_changed(name, value)]
        elif update_fields is None and not self._state.adding and not options.get("force_insert"):
            update_fields = [field.attname for field in User._meta.concrete_fields if not field.primary_key]
        if update_fields is not None:
            update_fields = [name for name in update_fields if name not in COUNTERS]
        is_new = self._state.adding
        super().save(*args, update_fields=update_fields, **options)
        self._note()
        if is_new:
            events.joined.emit(events.Joined(self))
        elif shown := SHOWN.intersection(update_fields or ()):
            events.profile_changed.emit(events.ProfileChanged(self, shown))
        else:
            invalidate(cache=[user_key(self.pk)])

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        super().refresh_from_db(*args, **options)  # also called for the password, when someone asks for it
        self._note()

    def _note(self) -> None:
        """What is on the object now is what the database has."""
        if self._kept is not None:
            self._kept |= {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        gone = events.Deleted(self.pk, self.username)
        done = super().delete(*args, **options)
        events.deleted.emit(gone)
        return done

    def _is_changed(self, name: str, value: object) -> bool:
        assert self._kept is not None  # noqa: S101
        return not name.startswith("_") and (name not in self._kept or self._kept[name] != value)

    def _password_digest(self) -> str:
        """Changes with the password, and does not help to guess it: what is digested is salted already."""
        if self._kept is not None and "password" not in self.__dict__:
            return str(self._kept["password_digest"])
        return sha256(self.password.encode()).hexdigest()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """As Django's, over the digest: so that a session can be verified without the password at hand."""
        salt = "kwippy.accounts.session"
        return salted_hmac(salt, self._password_digest(), secret=secret, algorithm="sha256").hexdigest()

    @property
    def name(self) -> str:
        """What to call this person: the display name, or the user name where none was chosen."""
        return safe(self.display_name) or self.username

    @property
    def me(self) -> Me:
        return Me(
            self.username,
            self.name,
            self.avatar,
            self.kwips_count,
            self.following_count,
            self.followers_count,
        )

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/{self.username}/"


class SignUp(models.Model):
    """A request to join, until its address is confirmed. It is no user: it has no page, and no mentions.

    Once confirmed it names its user, so that the link in the mail still says what became of it.
    """

    username = models.CharField(max_length=30)
    # In lower case.
    email = models.EmailField(max_length=254)
    # Hashed; empty once the user has it.
    password = models.CharField(max_length=128, blank=True)
    asked_at = models.DateTimeField(db_default=Now())
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")

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


class FormerName(models.Model):
    """A user name that its user changed: until ``kept_until`` it redirects, and no one else can take it."""

    name = models.CharField(max_length=30, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_names")
    kept_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("former name")

    def __str__(self) -> str:
        return self.name


@cache
def _cached_fields() -> list[models.Field[Any, Any]]:
    """All columns but the password."""
    return [field for field in User._meta.concrete_fields if field.attname != "password"]
