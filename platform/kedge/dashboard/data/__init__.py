"""The Data page of a database: what is observed of it, its backups, and what one may do with it.

Belongs here: the page of a heroku-postgresql or heroku-redis add-on, its forms, and how what its
provider tells is shown. Not here: add-ons as such (`dashboard.addons`), the use cases themselves
(`ops.databases`, `ops.backups`).
"""
