"""The pages of the platform, for its owners: its state, its people, its services, its audit log.

One module per page. Who is no owner gets a 403 from the use cases themselves; nothing here decides
that. What is looked at comes from `ops`; how a change is said is in `wording`.
"""
