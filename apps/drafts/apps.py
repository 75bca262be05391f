from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DraftsConfig(AppConfig):
    name = "apps.drafts"
    verbose_name = _("drafts")

    def ready(self) -> None:
        from apps.drafts import subscriptions  # noqa: F401 - it subscribes
