"""The static buildpack: a site of plain files and a small server for it.

Belongs here: checking static.json when the site is built. The server itself is in `server/`; it
is copied into the slug and knows nothing of builds.
"""
