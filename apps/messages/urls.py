from django.urls import path

from apps.messages import views

urlpatterns = [
    path("messages/", views.inbox, name="messages"),
    path("messages/<person:username>/", views.conversation, name="messages_with"),
    path("messages/<person:username>/delete/", views.delete, name="delete_conversation"),
    path("messages/<person:username>/<kwip_id:message_id>/", views.message, name="message"),
    path("settings/messages/", views.preferences, name="message_settings"),
    path("<person:username>/buzz/", views.buzz, name="buzz"),
]
