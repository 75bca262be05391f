"""What is at `/kwip/…`: one prefix, so that Django tries none of these for another address."""

from django.urls import path

from apps.kwips import edit_views, mark_views, mute_views, person_views, picture_views, undo_views, views

urlpatterns = [
    path("", views.compose, name="compose"),
    path("pictures/", picture_views.pictures_of_form, name="kwip_pictures"),
    path("<kwip_id:kwip_id>/mute/", mute_views.mute_from_kwip, name="mute_from_kwip"),
    path("<kwip_id:kwip_id>/comment/", views.comment, name="comment"),
    path("<kwip_id:kwip_id>/edit/", edit_views.edit, name="edit"),
    path("<kwip_id:kwip_id>/delete/", views.delete, name="delete"),
    path("<kwip_id:kwip_id>/take-back/", undo_views.take_back, name="take_back"),
    path("<kwip_id:kwip_id>/favourite/", views.favourite, name="favourite"),
    path("<kwip_id:kwip_id>/unfavourite/", views.unfavourite, name="unfavourite"),
    path("<kwip_id:kwip_id>/share/", mark_views.share, name="share"),
    path("<kwip_id:kwip_id>/unshare/", mark_views.unshare, name="unshare"),
    path("<kwip_id:kwip_id>/bookmark/", mark_views.bookmark, name="bookmark"),
    path("<kwip_id:kwip_id>/unbookmark/", mark_views.unbookmark, name="unbookmark"),
    path("<kwip_id:kwip_id>/track/", views.track, name="track"),
    path("<kwip_id:kwip_id>/untrack/", views.untrack, name="untrack"),
    path("<kwip_id:kwip_id>/pin/", person_views.pin, name="pin"),
    path("<kwip_id:kwip_id>/of-the-day/", views.of_the_day, name="of_the_day"),
]
