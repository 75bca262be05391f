from django.urls import path

import apps.accounts.converters
import apps.feeds.converters
import apps.kwips.converters  # noqa: F401 - these make <person:…>, <tag:…> and <kwip_id:…> known
from apps.feeds import views

urlpatterns = [
    path("", views.home, name="home"),
    path("everyone/", views.everyone, name="everyone"),
    path("everyone/new/", views.everyone_news, name="everyone_news"),
    path("network/new/", views.network_news, name="network_news"),
    path("tag/<tag:name>/", views.tag, name="tag"),
    path("<person:username>/", views.person, name="person"),
    path("<person:username>/favourites/", views.favourites, name="favourites"),
    path("<person:username>/comments/", views.comments, name="comments"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/", views.kwip, name="kwip"),
]
