from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    verbose_name = _("people")

    def ready(self) -> None:
        from apps.accounts import avatars, erasers, invalidation  # noqa: F401 - they register and subscribe

        avatars.tell_holders()
