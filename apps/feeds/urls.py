from django.urls import path, register_converter

from apps.feeds import views
from apps.feeds.converters import PersonConverter, TagConverter
from apps.kwips import converters  # noqa: F401 - makes <kwip_id:…> known

register_converter(PersonConverter, "person")
register_converter(TagConverter, "tag")

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
