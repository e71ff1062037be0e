"""Use cases: one verb, one transaction, events out once it is committed.

Each function takes the services, who acts, and what they want; it asks `authorize`, changes rows,
and puts off log lines and wakes until the commit. Not here: HTTP, containers, how things look.
"""
