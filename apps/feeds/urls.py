from django.urls import path

from apps.feeds import atom, conversation_views, previews, sitemaps, statistics, views

urlpatterns = [
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    path("sitemap-kwips-<id_range:number>.xml", sitemaps.kwips, name="sitemap_kwips"),
    path("sitemap-people-<id_range:number>.xml", sitemaps.people, name="sitemap_people"),
    path("welcome/", views.welcome, name="welcome"),
    path("everyone/", views.everyone, name="everyone"),
    path("everyone/feed.atom", atom.EveryoneFeed(), name="everyone_feed"),
    path("everyone/new/", views.everyone_news),
    path("network/new/", views.network_news),
    path("bookmarks/", views.bookmarks, name="bookmarks"),
    path("tag/<tag:name>/", views.tag, name="tag"),
    path("tag/<tag:name>/feed.atom", atom.TagFeed(), name="tag_feed"),
    path("<person:username>/", views.person, name="person"),
    path("<person:username>/feed.atom", atom.PersonFeed(), name="person_feed"),
    path("<person:username>/favourites/", views.favourites, name="favourites"),
    path("<person:username>/shares/", views.shares, name="shares"),
    path("<person:username>/comments/", views.comments, name="comments"),
    path("<person:username>/statistics/", statistics.statistics, name="statistics"),
    path("<person:username>/followers/", views.followers, name="followers"),
    path("<person:username>/following/", views.following, name="following"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/", conversation_views.kwip, name="kwip"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/preview-<slug:requested>.jpg", previews.kwip),
    path("<person:username>/preview-<slug:requested>.jpg", previews.person),
]
