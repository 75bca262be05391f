from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeedsConfig(AppConfig):
    name = "apps.feeds"
    verbose_name = _("timelines")

    def ready(self) -> None:
        from apps.feeds import erasing, invalidation, newcomers  # noqa: F401 - they subscribe
