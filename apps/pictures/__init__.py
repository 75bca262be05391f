"""Pictures that people upload: decoded in a process of its own, stored in sizes, deleted for good.

In one minute: an upload is decoded by a child process within limits of the kernel, and its variants are
stored as WebP under a random name. It waits a day for something that uses it; what nothing uses is deleted.

::

    upload ─▶ lock ─▶ child: header, pixels, WebP ─▶ row ─▶ files ─▶ waits ──use──▶ used
                 │ busy: 503    │ refused: its reason                  │ a day       │ release
                                                                       └─▶ files, then row deleted

Read in this order: models.py, actions.py, decoding.py, decoder.py, files.py, sweeping.py, holders.py.

Problem (2008)
    Uploads were decoded inside the request: a picture bomb of 190 kB took a worker's memory, or its minutes.
    They were stored as they came, with the place where they were taken, and deleted rows left their files.

Mechanism
    - *Before decoding*: bytes, rate, number of waiting pictures, then the pixels and scans that the header
      announces.
    - *While decoding*: one picture at a time on a machine, in a process without the site's secrets, with
      limits of CPU time, memory (RLIMIT_DATA), output and elapsed time. Large pictures are reduced in strips.
    - *After*: the output is checked, too. Turned by its EXIF, in sRGB with 8 bits, without metadata.
    - Shapes: whole (thumb 400, list 800, full 2048 pixels), square (400), wide (1500 × 500). An animation of
      up to 120 frames moves in its full size; longer ones, and those of squares, show the first frame.
    - `actions.use` makes waiting pictures used in the caller's transaction, once; `release` gives them up.
    - The row is committed before its files are written, and deleted after them: a file always has its row.
    - *Sweep*: rows whose wait is over; used rows that no holder shows (`holders`); files without a row, such
      as after a restored backup, one folder a run.

Switch
    ``STORAGES["default"]``: where files are. The scopes ``picture`` and ``picture_seconds`` of ``LIMITS``.

Invariant
    Each upload ends as the table in tests/test_corpus.py says; its process takes less than 150 MB and ends
    within 1.5 s, after at most 0.4 s of waiting. A kill at any point leaves, after the sweep, neither a file
    without a row nor a row without its files. A deleted picture is gone from the storage; nginx serves
    the file itself and keeps no copy. Browsers keep what they have seen.

When it fails
    Machine busy: 503, try again. Storage away: the upload is refused, and nothing is shown; a deletion is
    repeated by the next sweep. Decoder killed: the upload is refused. Without the sweep, files stay.

How to measure
    ``pytest apps/pictures``: the corpus with the memory of each decoder, kills at nine points.
"""
