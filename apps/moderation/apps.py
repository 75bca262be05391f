from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModerationConfig(AppConfig):
    name = "apps.moderation"
    verbose_name = _("moderation")

    def ready(self) -> None:
        from apps.moderation import subscriptions  # noqa: F401 - subscribes to events
