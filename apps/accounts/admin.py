"""People, for the operator. Nobody is deleted here: that would leave their kwips' counters behind."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts import names
from apps.accounts.models import User
from apps.commandqueue.mail.headers import validate_header_address

# Only a superuser gives these, to anyone.
_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "display_name", "email", "joined_at", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username", "display_name", "email")
    ordering = ("-id",)
    show_full_result_count = False
    # The address is allauth's to change: it knows of confirmed ones, which reset passwords.
    readonly_fields = ("joined_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("person"), {"fields": ("display_name", "bio", "email")}),
        (_("may"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = self.readonly_fields if obj is None else (*self.readonly_fields, "email")
        return fields if _is_superuser(request) else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser is changed by superusers alone; so is their password, whose form asks this too."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return _with_free_name(super().get_form(request, obj, change=change, **kwargs))

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        if change and {"username", "display_name"} & set(form.changed_data):
            obj.version += 1  # cards show them
        if change and "username" in form.changed_data:
            names.rename(user_id=obj.pk, username=obj.username)  # the former name redirects
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _with_free_name(form: Any) -> Any:
    """``form`` that also refuses a user name which another user had, or which a sign-up has."""
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
            """A name from before the site kept it for itself may stay."""
            kept = set() if "username" in self.changed_data else {"username"}
            return set(super()._get_validation_exclusions()) | kept

    return FormWithFreeName


class SuperusersOnly(admin.ModelAdmin):
    """For models that give powers."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)


class GroupAdmin(SuperusersOnly, DjangoGroupAdmin):
    pass


class EmailAddressAdmin(AllauthEmailAddressAdmin):
    """An address resets a password: a superuser's are superusers' alone."""

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


admin.site.unregister([Group, EmailAddress])
admin.site.register(Group, GroupAdmin)
admin.site.register(EmailAddress, EmailAddressAdmin)
