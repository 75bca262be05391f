from django.urls import path

from apps.inbound import views

urlpatterns = [
    path("settings/by-mail/", views.by_mail, name="by_mail"),
    path("settings/by-mail/off/", views.switch_off, name="by_mail_off"),
]
