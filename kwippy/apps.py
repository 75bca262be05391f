from django.apps import AppConfig


class KwippyConfig(AppConfig):
    name = "kwippy"

    def ready(self) -> None:
        from kwippy import checks  # noqa: F401 - registers them
