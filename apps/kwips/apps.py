from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KwipsConfig(AppConfig):
    name = "apps.kwips"
    verbose_name = _("kwips")

    def ready(self) -> None:
        from apps.kwips import away, greeting, invalidation, repeated_texts, withholding  # noqa: F401 - they hold kwips back  # noqa: F401 - they subscribe to events
