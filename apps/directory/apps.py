from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DirectoryConfig(AppConfig):
    name = "apps.directory"
    verbose_name = _("finding people")

    def ready(self) -> None:
        from apps.directory.queries import first_follows
        from apps.feeds import suggestions

        suggestions.sources.append(first_follows)
