from django.urls import path

from apps.graph import block_views, views

urlpatterns = [
    path("requests/", views.requests, name="follow_requests"),
    path("requests/sent/", views.sent_requests, name="sent_follow_requests"),
    path("requests/accept-all/", views.accept_all, name="accept_all_follow_requests"),
    path("requests/<person:username>/accept/", views.accept, name="accept_follow_request"),
    path("requests/<person:username>/refuse/", views.refuse, name="refuse_follow_request"),
    path("settings/blocks/", block_views.blocks, name="blocks"),
    path("<person:username>/block/", block_views.block, name="block"),
    path("<person:username>/unblock/", block_views.unblock, name="unblock"),
    path("<person:username>/follow/", views.follow, name="follow"),
    path("<person:username>/unfollow/", views.unfollow, name="unfollow"),
]
