from django.urls import path

from apps.drafts import views

urlpatterns = [
    path("drafts/", views.drafts, name="drafts"),
    path("drafts/keep/", views.keep, name="keep_draft"),
    path("drafts/<kwip_id:draft_id>/", views.draft, name="draft"),
    path("drafts/<kwip_id:draft_id>/later/", views.later, name="schedule_draft"),
    path("drafts/<kwip_id:draft_id>/cancel/", views.cancel, name="cancel_draft"),
    path("drafts/<kwip_id:draft_id>/delete/", views.delete, name="delete_draft"),
]
