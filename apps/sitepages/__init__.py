"""The pages of the house: rules, privacy, code of conduct.

Each has a text in `templates/sitepages/texts/`, which an operator replaces in the admin; emptying the field
brings the text of the release back. Texts have paragraphs, headings and lists (`rendering.py`), no HTML. The
pages are public and cached; saving one purges it.
"""
