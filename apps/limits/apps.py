from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class LimitsConfig(AppConfig):
    name = "apps.limits"
    verbose_name = _("limits")

    def ready(self) -> None:
        from apps.limits.checks import check_settings

        register(check_settings)
