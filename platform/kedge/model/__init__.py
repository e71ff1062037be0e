"""Rows and the rules they carry: data without I/O.

One noun per module, named as Heroku names it. A row knows its own state and what may follow it.
Not here: queries, use cases (`ops`), decisions over several rows (`plan`).
"""
