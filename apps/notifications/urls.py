from django.urls import path

from apps.notifications import views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/clear/", views.clear, name="clear_notifications"),
    path("notifications/message/<kwip_id:message_id>/", views.message, name="message_to_member"),
]
