"""URLs of the page of tokens, and of the API."""

from django.urls import path, re_path

from apps.tokens import api, views

urlpatterns = [
    path("settings/tokens/", views.tokens, name="tokens"),
    path("settings/tokens/revoke/", views.revoke_all, name="revoke_tokens"),
    path("settings/tokens/<int:token_id>/revoke/", views.revoke, name="revoke_token"),
    # `kwippy.api` adds the slash where a program leaves it out.
    path("api/kwips/", api.kwips, name="api_kwips"),
    path("api/network/", api.network, name="api_network"),
    # Below it are no pages of a person.
    re_path(r"^api/", api.unknown),
]
