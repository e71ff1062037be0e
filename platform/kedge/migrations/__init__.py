"""The steps from an empty database to today's form: linear, and only adding.

A step is never changed after it was released. Nothing here imports the model: rows change, the
steps that made them do not.
"""
