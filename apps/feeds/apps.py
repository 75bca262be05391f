from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeedsConfig(AppConfig):
    name = "apps.feeds"
    verbose_name = _("timelines")

    def ready(self) -> None:
        from apps import pagecache
        from apps.feeds import invalidation  # noqa: F401 - subscribes to events
        from apps.feeds.popular import popular  # it reads models

        pagecache.warm_paths.append(popular)
