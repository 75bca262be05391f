from django.urls import path

import apps.accounts.converters  # noqa: F401 - makes <person:…> known
from apps.graph import views

urlpatterns = [
    path("<person:username>/follow/", views.follow, name="follow"),
    path("<person:username>/unfollow/", views.unfollow, name="unfollow"),
]
