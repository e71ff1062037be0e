"""Backups of heroku-postgresql: made, proved by a restore, kept, brought back and removed.

Belongs here: transfers (backups, restores, copies) and their rows, where backups are kept, the
throw-away servers they are proved in, schedules, and what the platform asks of all that. Not here:
the servers of add-ons themselves (`kedge_addons.postgres`). A backup is green only after a restore.
"""
