"""The settings of the site: stock Django, and the five optimizations on top.

Read in this order: optimizations.py (what is switched on, and the way back), stock.py (all five off), then
base.py, accounts.py, security.py, mail.py, observability.py. Variables of the environment set them; what is
not set has a default that is safe for production. docs/settings.md lists the variables.
"""

from kwippy.settings.optimizations import *  # noqa: F403
