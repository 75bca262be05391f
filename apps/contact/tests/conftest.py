import pytest


@pytest.fixture(autouse=True)
def operators(settings) -> None:
    settings.CONTACT_EMAIL = "operators@kwippy.example"
