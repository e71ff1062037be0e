"""The Python buildpack, built on uv.

Belongs here: which Python, which lock file, the virtual environment `.heroku/python`, Django's
static files, the dyno's environment. Does not belong here: what another language needs too
(`_lib`).
"""
