"""The dynos' supervisor: compares what runs with what is wanted, again and again.

One leader at a time, by an advisory lock. Each loop looks at the world before it acts, so all of
them may be killed at any moment; dynos and router go on without them. Decisions belong to `plan`.
"""
