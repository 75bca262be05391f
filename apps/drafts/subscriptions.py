"""What drafts learn of kwips."""

from apps.drafts import actions
from apps.kwips import events


@events.published.within
def on_published(event: events.Published) -> None:
    if event.draft is not None:
        actions.forget_published(
            owner_id=event.kwip.author_id,
            form_key=event.draft.form_key,
            version=event.draft.version,
            text=event.kwip.text,
        )
