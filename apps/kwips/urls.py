from django.urls import path

from apps.kwips import completion, mark_views, mute_views, person_views, privacy_views, undo_views, views

urlpatterns = [
    path("kwip/", views.compose, name="compose"),
    path("settings/privacy/", privacy_views.privacy, name="privacy"),
    path("settings/privacy/narrow/", privacy_views.narrow, name="narrow"),
    path("people/complete/", completion.complete, name="complete"),
    path("settings/mutes/", mute_views.mutes, name="mutes"),
    path("settings/mutes/undo/", mute_views.undo, name="unmute"),
    path("kwip/<kwip_id:kwip_id>/mute/", mute_views.mute_from_kwip, name="mute_from_kwip"),
    path("<person:username>/mute/", mute_views.mute_person, name="mute_person"),
    path("kwip/<kwip_id:kwip_id>/comment/", views.comment, name="comment"),
    path("kwip/<kwip_id:kwip_id>/edit/", views.edit, name="edit"),
    path("kwip/<kwip_id:kwip_id>/delete/", views.delete, name="delete"),
    path("kwip/<kwip_id:kwip_id>/take-back/", undo_views.take_back, name="take_back"),
    path("kwip/<kwip_id:kwip_id>/favourite/", views.favourite, name="favourite"),
    path("kwip/<kwip_id:kwip_id>/unfavourite/", views.unfavourite, name="unfavourite"),
    path("kwip/<kwip_id:kwip_id>/share/", mark_views.share, name="share"),
    path("kwip/<kwip_id:kwip_id>/unshare/", mark_views.unshare, name="unshare"),
    path("kwip/<kwip_id:kwip_id>/bookmark/", mark_views.bookmark, name="bookmark"),
    path("kwip/<kwip_id:kwip_id>/unbookmark/", mark_views.unbookmark, name="unbookmark"),
    path("kwip/<kwip_id:kwip_id>/track/", views.track, name="track"),
    path("kwip/<kwip_id:kwip_id>/untrack/", views.untrack, name="untrack"),
    path("kwip/<kwip_id:kwip_id>/pin/", person_views.pin, name="pin"),
    path("settings/favourites/", person_views.thanks_settings, name="thanks_settings"),
    path("kwip/<kwip_id:kwip_id>/of-the-day/", views.of_the_day, name="of_the_day"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/whole/", views.whole, name="whole"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/part/", views.part, name="part"),
    path("<person:username>/kwip/<kwip_id:kwip_id>/history/", views.history, name="history"),
    path(
        "<person:username>/kwip/<kwip_id:kwip_id>/history/<kwip_id:revision_id>/",
        views.revision,
        name="revision",
    ),
]
