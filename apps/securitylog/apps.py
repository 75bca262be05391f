from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SecurityLogConfig(AppConfig):
    name = "apps.securitylog"
    verbose_name = _("security log")
