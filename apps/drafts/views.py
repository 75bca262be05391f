"""The pages of drafts. The draft of another person answers 404."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.time_zones import zone
from apps.drafts import actions, fields, queries
from apps.drafts.forms import LaterForm
from apps.drafts.models import Draft
from apps.fragments import render
from apps.kwips.forms import KwipForm, version_of
from apps.kwips.picture_forms import files_missed
from apps.notifications import preferences


@require_safe
@members_only
def drafts(request: MemberRequest) -> HttpResponse:
    chosen = preferences.of(request.user)
    context = {"drafts": queries.listed(request.user), "zone": zone(chosen.time_zone)}
    return render(request, "drafts/drafts.html", context)


@members_only
def keep(request: MemberRequest) -> HttpResponse:
    """Keeps what the composer has. The page's script asks for JSON; a button leads to the draft."""
    if request.method != "POST":
        return redirect("compose")
    form = KwipForm(request.POST)
    is_script = limits.prefers_json(request)  # which sends files at once
    if not is_script and (missed := files_missed(form, request.POST)) is not None:
        return render(request, "kwips/compose.html", {"form": missed, "is_returned": True}, status=422)
    form.is_valid()  # a draft may be invalid; the page shows what is wrong
    decision = limits.hit("draft", request.user.pk)
    if not decision:
        if is_script:
            return limits.refuse_click(request, decision)
        return limits.refuse(request, decision, "kwips/compose.html", form)
    try:
        saved = actions.save(
            owner=request.user,
            fields=fields.of(request.POST),
            form_key=KwipForm.base_fields["form_key"].clean(request.POST.get("form_key")),
            version=version_of(request.POST.get("draft")),
        )
    except actions.Published:
        return _published(request)
    except (ValidationError, actions.Empty, actions.TooMany) as error:
        return _refused(request, form, error)
    return _kept(request, saved)


def _kept(request: MemberRequest, saved: actions.Saved) -> HttpResponse:
    draft, is_apart = saved.draft, saved.kept is actions.Kept.APART
    apart = _("it was changed elsewhere meanwhile, so both are kept.")
    if limits.prefers_json(request):
        said = apart if is_apart else _("kept")
        facts = {"key": str(draft.form_key), "version": draft.version, "said": said}
        return JsonResponse(facts | {"href": f"/drafts/{draft.pk}/"})
    messages.success(request, apart if is_apart else _("kept. go on whenever you like."))
    name = "schedule_draft" if "then_later" in request.POST else "draft"
    return redirect(name, draft_id=draft.pk)


def _published(request: MemberRequest) -> HttpResponse:
    if limits.prefers_json(request):
        return JsonResponse({"said": ""})
    messages.success(request, _("that was published already."))
    return redirect(request.user)


def _refused(request: MemberRequest, form: KwipForm, error: Exception) -> HttpResponse:
    """What is wrong, with the words."""
    if isinstance(error, ValidationError):
        words = " ".join(error.messages)
    elif isinstance(error, actions.Empty):
        words = _("say something first :)")
    else:
        words = ngettext(
            "you have %(n)d draft, which is all there is room for. throw one away first?",
            "you have %(n)d drafts, which is all there is room for. throw one away first?",
            actions.MOST,
        ) % {"n": actions.MOST}
    if limits.prefers_json(request):
        return JsonResponse({"error": words}, status=422)
    if words not in form.errors.get("text", []):
        form.add_error(None, words)
    return render(request, "kwips/compose.html", {"form": form}, status=422)


@require_safe
@members_only
def draft(request: MemberRequest, draft_id: int) -> HttpResponse:
    """The composer with the draft: sent, it is published."""
    found = _own(request, draft_id)
    form = fields.form_of(found)
    where = zone(preferences.of(request.user).time_zone)
    return render(request, "drafts/draft.html", {"draft": found, "form": form, "zone": where})


@members_only
def later(request: MemberRequest, draft_id: int) -> HttpResponse:
    """Asks when, and remembers the time zone of a person who has chosen none."""
    found = _own(request, draft_id)
    chosen = preferences.of(request.user)
    form = LaterForm(request.POST or None, time_zone=chosen.time_zone, publish_at=found.publish_at)
    context = {"draft": found, "beginning": fields.text_of(found.fields)[: queries.BEGINNING]}
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "drafts/later.html", context | {"form": form}, status=status)
    decision = limits.hit("schedule", request.user.pk)
    if not decision:
        return limits.refuse(request, decision, "drafts/later.html", form, **context)
    time_zone = form.cleaned_data["time_zone"]
    if time_zone and not chosen.time_zone:
        preferences.set_time_zone(user=request.user, time_zone=time_zone)
    if actions.schedule(owner=request.user, draft_id=draft_id, publish_at=form.cleaned_data["moment"]):
        messages.success(request, _("it goes out then. until then you can change it."))
    else:
        messages.info(request, _("it is gone: published, or thrown away."))
    return redirect("drafts")


@require_POST
@members_only
def cancel(request: MemberRequest, draft_id: int) -> HttpResponse:
    if actions.cancel(owner=request.user, draft_id=draft_id):
        messages.success(request, _("it stays here, as a draft."))
    else:
        messages.info(request, _("it is gone: published, or thrown away."))
    return redirect("drafts")


@members_only
def delete(request: MemberRequest, draft_id: int) -> HttpResponse:
    if request.method == "POST":
        actions.delete(owner=request.user, draft_id=draft_id)
        messages.success(request, _("thrown away."))
        return redirect("drafts")
    found = _own(request, draft_id)
    context = {"draft": found, "beginning": fields.text_of(found.fields)[: queries.BEGINNING]}
    return render(request, "drafts/delete.html", context)


def _own(request: MemberRequest, draft_id: int) -> Draft:
    if (found := queries.own(request.user, draft_id)) is None:
        raise Http404
    return found
