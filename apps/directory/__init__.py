"""Finding people and tags: `/people/`, `/tags/`, and whom a newcomer follows first.

Recurring commands (`tasks`) fill small tables, which the pages read: no page counts or sorts all people.
"""
