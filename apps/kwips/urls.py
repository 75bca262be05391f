"""Settings and pages of people; what is at `/kwip/…` is in `kwip_urls.py`."""

from django.urls import path

from apps.kwips import completion, mute_views, person_views, privacy_views, text_views

urlpatterns = [
    path("settings/privacy/", privacy_views.privacy, name="privacy"),
    path("settings/privacy/narrow/", privacy_views.narrow, name="narrow"),
    path("people/complete/", completion.complete, name="complete"),
    path("settings/mutes/", mute_views.mutes, name="mutes"),
    path("settings/mutes/undo/", mute_views.undo, name="unmute"),
    path("<person:username>/mute/", mute_views.mute_person, name="mute_person"),
    path("settings/writing/", person_views.writing_settings, name="writing_settings"),
    path("settings/favourites/", person_views.thanks_settings, name="thanks_settings"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/whole/", text_views.whole, name="whole"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/part/", text_views.part, name="part"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/history/", text_views.history, name="history"),
    path(
        "<person:username>/kwip/<kwip_id:kwip_id>/history/<kwip_id:revision_id>/",
        text_views.revision,
        name="revision",
    ),
]
