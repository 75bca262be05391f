from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KwipsConfig(AppConfig):
    name = "apps.kwips"
    verbose_name = _("kwips")

    def ready(self) -> None:
        from apps.accounts.models import on_switched
        from apps.kwips.withholding import follow_switch  # it reads models

        on_switched.append(follow_switch)
