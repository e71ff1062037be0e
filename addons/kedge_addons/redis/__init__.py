"""heroku-redis: a Redis server of its own for each add-on.

Belongs here: its plans, its configuration and users, what it tells of itself. Not here:
containers as such (`kedge_addons.instances`), the partner API (`partner_api`).
"""
