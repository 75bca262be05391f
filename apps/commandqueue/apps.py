from django.apps import AppConfig


class CommandQueueConfig(AppConfig):
    name = "apps.commandqueue"
    verbose_name = "command queue"
