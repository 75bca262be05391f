"""Admin for users. It cannot delete users, since that would leave the counters of their kwips wrong."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin  # noqa: F401 - registered, so that it can be taken away
from allauth.mfa.models import Authenticator
from allauth.usersessions.admin import UserSessionAdmin as AllauthUserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts import joining_admin, names  # noqa: F401 - registers its admins
from apps.accounts.joining_admin import of_person
from apps.accounts.models import User
from apps.commandqueue.mail.headers import validate_header_address

# Only a superuser can change these fields.
_PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "display_name", "email", "joined_at", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username", "display_name", "email")
    ordering = ("-id",)
    # Addresses change through allauth, which tracks the confirmed ones: those can reset passwords.
    readonly_fields = ("joined_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("person"), {"fields": ("display_name", "bio", "pronouns", "location", "email")}),
        (
            _("may"),
            {"fields": ("is_active", "is_vouched", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = self.readonly_fields if obj is None else (*self.readonly_fields, "email")
        return fields if _is_superuser(request) else (*fields, *_PRIVILEGES)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only superusers change superusers. The password form checks this permission too."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return _with_free_name(super().get_form(request, obj, change=change, **kwargs))

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        if change and {"username", "display_name"} & set(form.changed_data):
            obj.version += 1  # cards show these fields
        if change and "username" in form.changed_data:
            names.rename(user_id=obj.pk, username=obj.username)  # the former name redirects
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _with_free_name(form: Any) -> Any:
    """Returns ``form``, extended to reject a user name that `names.is_taken`."""
    if "username" not in form.base_fields:
        return form

    class FormWithFreeName(form):
        def clean(self) -> Any:
            cleaned = super().clean()
            name = self.cleaned_data.get("username")
            if name and names.is_taken(name, user_id=self.instance.pk):
                self.add_error("username", ValidationError(_("someone has that name already.")))
            return cleaned

        def _get_validation_exclusions(self) -> set[str]:
            """An existing name stays valid after it becomes reserved."""
            unchanged = set() if "username" in self.changed_data else {"username"}
            return set(super()._get_validation_exclusions()) | unchanged

    return FormWithFreeName


class UserSessionAdmin(AllauthUserSessionAdmin):
    """What is deleted here is ended: a session in no list could not be found to end it."""

    search_help_text = _("A user name, exactly.")

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:
        for session in queryset:
            session.end()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UserSession], search_term: str
    ) -> tuple[QuerySet[UserSession], bool]:
        return of_person(queryset, search_term, "user"), False


class GroupAdmin(DjangoGroupAdmin):
    """Groups grant privileges, so only superusers see or change them."""

    def has_module_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)

    has_view_permission = has_add_permission = has_module_permission
    has_change_permission = has_delete_permission = has_module_permission


class EmailAddressAdmin(AllauthEmailAddressAdmin):
    """An address can reset a password, so only superusers see the addresses of superusers."""

    list_filter = ()  # the columns have no index
    search_help_text = _("An address or a user name, exactly.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[EmailAddress], search_term: str
    ) -> tuple[QuerySet[EmailAddress], bool]:
        term = search_term.strip().lower()
        if "@" in term.removeprefix("@"):
            return queryset.filter(email=term), False
        return of_person(queryset, term, "user"), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmailAddress]:
        found: QuerySet[EmailAddress] = super().get_queryset(request)
        return found if _is_superuser(request) else found.filter(user__is_superuser=False)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and db_field.name == "email":
            field.validators = [*field.validators, validate_header_address]
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: EmailAddress | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "user")


admin.site.unregister([Group, EmailAddress, UserSession])
# Its form would show and change the secrets of second factors.
admin.site.unregister(Authenticator)
admin.site.register(UserSession, UserSessionAdmin)
admin.site.register(Group, GroupAdmin)
admin.site.register(EmailAddress, EmailAddressAdmin)
