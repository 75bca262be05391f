"""`make audit`: what other programs find in the code, in nginx's configuration and in the requirements.

    all requirements renewed within the days of SECURITY.md? (renewal.py) ── no ──▶ 1
    bandit, semgrep (rules.yml), gixy ── find something ──▶ 1
    pip-audit ── a known fault of a requirement ──────────▶ 1
              └─ no advisory source answers ──────────────▶ 3: not checked, which is not "nothing found"

The programs live in an environment of their own, `.venv-audit`, which `requirements-audit.txt` pins.
Where they cannot be installed, only the renewal is checked (3). One
that is not the locked one is a finding (1).
"""
