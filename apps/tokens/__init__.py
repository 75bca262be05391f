"""Tokens: a program writes kwips, or reads the network, in the name of the person who made its token.

    settings/tokens/  ─▶ actions.make   the secret is shown once; its digest is stored; mail to the owner
    POST /api/kwips/  ─▶ bearer         digest ─▶ token, owner, scope
                      ─▶ body           JSON or form ─▶ the fields of `KwipForm`
                      ─▶ composing      as the page publishes: limits, moderators, once for each key
    GET /api/network/ ─▶ feeds.queries  as the page reads it, with its mutes ─▶ JSON

- *The secret* is derived from 256 random bits of a form's key, so a form that is sent twice makes one token
  and shows it again. The database has its SHA-256. A slow password hash would add nothing to 256 random bits,
  and cost CPU for each request without a valid token.
- *The bearer alone*: `kwippy.api.ApiMiddleware` drops the cookies of a request below `/api/`. So no other
  site can send one in a member's name, and the views need no CSRF token.
- *Errors* are JSON: `{"error": "…"}`, for a form with `details`. That is the shape that Mastodon's clients
  read; `/api/v1/` and `/api/v2/` are kept for them.
- *Unknown fields are refused*: a mistyped `followers_only` would publish to everyone.
- *A token works* while its owner may sign in. A new password does not end it: the page says so, and has a
  button that ends all.
- *Bounds*: `MOST` tokens of a person; the limits "publish", "api_read" (by owner) and "bad_token" (by
  network); a body of `DATA_UPLOAD_MAX_MEMORY_SIZE`; a page of `MOST_KWIPS`, with the beginnings of texts.
- *Cost*: one query for the token; its owner comes from the look-aside cache, as that of a session.

Read in this order: ``models.py``, ``secret.py``, ``actions.py``, ``bearer.py``, ``body.py``, ``api.py``.
"""
