from django.urls import path

from apps.directory import views

urlpatterns = [
    path("people/", views.new, name="people"),
    path("people/active/", views.active, name="people_active"),
    path("people/network/", views.network, name="people_network"),
    path("tags/", views.tags, name="tags"),
]
