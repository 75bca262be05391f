from django.apps import AppConfig


class CacheWatchConfig(AppConfig):
    name = "apps.cachewatch"
    verbose_name = "cache watch"
