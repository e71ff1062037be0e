"""The web dashboard: pages rendered on the server over the same use cases as the API's.

One module per page, templates beside them, live by server-sent events. What a page shows or a form
does is an `ops` function's answer; rules, queries and permissions do not belong here.
"""
