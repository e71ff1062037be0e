"""heroku-postgresql: a PostgreSQL server of its own for each add-on.

Belongs here: its plans, what runs in its container, its roles and databases, what it tells of
itself. Not here: containers as such (`kedge_addons.instances`), the partner API (`partner_api`).
"""
