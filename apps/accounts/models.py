"""People."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.validators import USERNAME_PATTERN, not_reserved, username_shape


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

    def __str__(self) -> str:
        return self.username

    @property
    def name(self) -> str:
        """What to call this person: the display name, or the user name where none was chosen."""
        return self.display_name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/{self.username}/"
