"""Export and import of one's own things.

    /settings/export/ ─▶ exporting.ask ─▶ command `make`: a part ─▶ `make` … ─▶ zip, mail with a link
    /settings/import/ ─▶ importing.receive ─▶ command `check`: counts ─▶ "go on" ─▶ command `apply`

- *A section is one row* of the registry (`sections.py`): name, fields, rows, models. A test fails until each
  model with a key to a person is in a section or in `registry.NOT_EXPORTED`. docs/archive.md is generated.
- *Export*: a part has 250 rows, or about 1 MB. Its two files (JSON, HTML) are written under their own names,
  then the row of the export moves to the next position: a command that is killed makes its part again, and
  nothing else. The transaction that makes the export ready enqueues its mail: there is one.
- *Only one's own*: of other people's kwips and comments the archive has addresses and authors, of those that
  the person may still see; of messages the person's own copies.
- *Files* are below ARCHIVE_ROOT, which no web server serves. A view sends them to their owner, for a day.
  The results of an import are kept for 30 days.
- *Import*: an upload is untrusted. The worker reads it in one pass, within limits of bytes, files and rows;
  nothing is extracted. The same pass is made twice: `check` counts, `apply` writes from its position on.
- *Imported kwips* have ids below zero, in the order of their dates (`apps/kwips/importing.py`).

Read in this order: ``registry.py``, ``sections.py``, ``exporting.py``, ``reading.py``, ``importing.py``.
"""
