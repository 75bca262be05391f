"""The URL map of the site, with the pages of `pages.py` in place of the site's."""

from django.urls import path

from bench.ladder import pages
from kwippy import urls as the_sites

_home, *_others, _of_feeds = the_sites.urlpatterns
urlpatterns = [
    path("", pages.home, name="home"),
    path("everyone/", pages.everyone, name="everyone"),
    *_others,
    path("<person:username>/", pages.person, name="person"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/", pages.kwip, name="kwip"),
    _of_feeds,
]
handler400, handler403, handler404 = the_sites.handler400, the_sites.handler403, the_sites.handler404
handler429, handler500 = the_sites.handler429, the_sites.handler500
