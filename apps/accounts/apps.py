from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    verbose_name = _("people")

    def ready(self) -> None:
        # They register and subscribe.
        from apps.accounts import avatars, erasers, factor_reset_views, invalidation, security_events, views  # noqa: F401

        avatars.tell_holders()
        views.more_links.append(factor_reset_views.link)
