from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitePagesConfig(AppConfig):
    name = "apps.sitepages"
    verbose_name = _("pages of the house")
