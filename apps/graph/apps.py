from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GraphConfig(AppConfig):
    name = "apps.graph"
    verbose_name = _("follows, blocks and mutes")

    def ready(self) -> None:
        from apps.graph import erasing, invitations  # noqa: F401 - they register and subscribe
