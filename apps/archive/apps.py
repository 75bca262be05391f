from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "apps.archive"
    verbose_name = _("export and import")

    def ready(self) -> None:
        from apps.archive import erasing, sections  # noqa: F401 - they register
