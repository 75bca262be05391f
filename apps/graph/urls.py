from django.urls import path

from apps.graph import block_views, views

urlpatterns = [
    path("settings/blocks/", block_views.blocks, name="blocks"),
    path("<person:username>/block/", block_views.block, name="block"),
    path("<person:username>/unblock/", block_views.unblock, name="unblock"),
    path("<person:username>/follow/", views.follow, name="follow"),
    path("<person:username>/unfollow/", views.unfollow, name="unfollow"),
]
