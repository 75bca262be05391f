from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KwipsConfig(AppConfig):
    name = "apps.kwips"
    verbose_name = _("kwips")

    def ready(self) -> None:
        from apps.kwips import invalidation  # noqa: F401 - subscribes to events
