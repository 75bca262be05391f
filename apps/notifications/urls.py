from django.urls import path, re_path

from apps.notifications import settings_views, views
from apps.notifications.mail import unsubscribe

# The rest of the path is a signed link; the request log omits it.
SECRET_PATHS = (unsubscribe.PATH,)

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/clear/", views.clear, name="clear_notifications"),
    re_path(r"^notifications/stop/(?P<token>[-:\w]{1,400})/$", settings_views.stop, name="stop_mail"),
    path("settings/notices/", settings_views.settings, name="notice_settings"),
    path("settings/notices/try-again/", settings_views.try_again, name="mail_try_again"),
    path("notifications/message/<kwip_id:message_id>/", views.message, name="message_to_member"),
]
