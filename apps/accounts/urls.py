from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/picture/", views.picture, name="picture"),
    path("settings/picture/remove/", views.remove_picture, name="remove_picture"),
]
