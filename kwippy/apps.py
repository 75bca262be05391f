from django.apps import AppConfig


class KwippyConfig(AppConfig):
    name = "kwippy"

    def ready(self) -> None:
        from kwippy import wiring  # it imports models

        wiring.connect()
