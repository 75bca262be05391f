from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModerationConfig(AppConfig):
    name = "apps.moderation"
    verbose_name = _("moderation")

    def ready(self) -> None:
        from apps.accounts import views
        from apps.moderation import erasing, roles, subscriptions  # noqa: F401 - they register

        views.more_links.append(roles.link)
