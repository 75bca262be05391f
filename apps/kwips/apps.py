from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KwipsConfig(AppConfig):
    name = "apps.kwips"
    verbose_name = _("kwips")

    def ready(self) -> None:
        from apps.accounts.models import on_switched
        from apps.kwips.withholding import align_on_switch  # it reads models

        on_switched.append(align_on_switch)
