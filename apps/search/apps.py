from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class SearchConfig(AppConfig):
    name = "apps.search"
    verbose_name = _("search")

    def ready(self) -> None:
        from apps.search import index, statements  # noqa: F401 - it subscribes to events

        if settings.SEARCH_INDEX:
            statements.join_new_kwips()
