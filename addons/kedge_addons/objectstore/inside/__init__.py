"""Programs that run in a store's container, of Python's library alone.

`keeper.py` starts the servers and holds the quota, `store.py` knows the files, `asked.py` answers
the provider.
"""
