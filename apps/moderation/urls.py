from django.urls import path

from apps.moderation import moderator_views, views

urlpatterns = [
    path("kwip/<kwip_id:kwip_id>/report/", views.report_kwip, name="report_kwip"),
    path("kwip/<kwip_id:kwip_id>/why/", views.why, name="why_hidden"),
    path(
        "messages/<person:username>/<kwip_id:message_id>/report/", views.report_message, name="report_message"
    ),
    path("moderation/", moderator_views.queue, name="moderation"),
    path("moderation/<kwip_id:case_id>/", moderator_views.case, name="moderation_case"),
    path("moderation/people/<person:username>/", moderator_views.person, name="moderation_person"),
    path("moderation/people/<person:username>/note/", moderator_views.note, name="moderation_note"),
    path("moderation/reports/<kwip_id:case_id>/", views.reported, name="reported"),
    path("moderation/warning/", views.warning, name="warning"),
    path("moderation/appeal/<str:token>/", views.appeal, name="appeal"),
    path("<person:username>/report/", views.report_person, name="report_person"),
]

# The link in a mail is enough to appeal.
SECRET_PATHS = ("/moderation/appeal/",)
