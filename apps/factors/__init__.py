"""Second factors: codes of an app (TOTP), passkeys, recovery codes, trusted browsers; by allauth.mfa.

    right password ─▶ trusted browser? ─ yes ────────────────────────▶ in
                          │ no
                          ▼
                 code of the app, recovery code or passkey ─▶ trust? ─▶ in
    passkey alone ───────────────────────────────────────────────────▶ in

allauth has the model, the stages of a sign-in and the protocol. This app has what it leaves open:

- *Secrets at rest* (``sealing.py``): encrypted by a key that is derived from ``SECRET_KEY``. A copy of the
  database alone makes no codes. The admin does not show them. After a change of the key a recurring task
  encrypts them anew (``resealing.py``).
- *A code lives 40 seconds* (``totp.py``): its thirty, and ten for who types as it changes.
- *A code counts once* (``actions.py``): the row remembers the step of the last one, under its lock. allauth
  remembers codes in a cache, for less time than they are valid.
- *Guessing* (``guesses.py``): the limits "factor" (an account from a network) and "factor_anywhere" (an
  account), counted before the code is read. Only the right password leads there, so a client that is limited
  has the password; a new password lifts them. Sessions have "factor_again". Passkeys can't be guessed and
  stay open.
- *Challenges* of passkeys are random, one for each session and for one purpose, and end after ten minutes.
  Their site is that of ``SITE_URL``, whatever host a request names.
- *Recovery codes* (``recovery.py``) are made as the page shows them, once, and stored as password hashes.
  Those that an earlier release has shown stay encrypted seeds until their owner makes new ones.
- *A trusted browser* has a signed cookie, for thirty days. It names the password's hash and the factors: a
  new password, another factor or new recovery codes end it.
- *Nothing tells* who has a second factor before the password was right. The options of a sign-in by passkey
  are the same for everyone.
- *Bounds*: `MOST_PASSKEYS` of a person, a credential of 8 KB, a name of 40 characters, `MOST_TRUSTED`
  accounts that trust one browser, "factor_change" factors and sets of codes a day (``changes.py``).
- *Cost*: only these pages and the sign-in read the table.

Read in this order: ``sealing.py``, ``actions.py``, ``recovery.py``, ``guesses.py``, ``forms.py``,
``passkey_forms.py``, ``views.py``.
"""
