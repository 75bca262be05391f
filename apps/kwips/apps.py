from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KwipsConfig(AppConfig):
    name = "apps.kwips"
    verbose_name = _("kwips")

    def ready(self) -> None:
        from apps.kwips import (  # noqa: F401 - they subscribe to events
            away,
            erasing,
            greeting,
            invalidation,
            repeated_texts,
            withholding,
        )
