from django.urls import path

from apps.graph import views

urlpatterns = [
    path("<person:username>/follow/", views.follow, name="follow"),
    path("<person:username>/unfollow/", views.unfollow, name="unfollow"),
]
