from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModerationConfig(AppConfig):
    name = "apps.moderation"
    verbose_name = _("moderation")

    def ready(self) -> None:
        from apps.moderation import erasing, subscriptions  # noqa: F401 - they register and subscribe
