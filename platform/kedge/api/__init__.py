"""The Platform API: HTTP and JSON in Heroku's form over the use cases of `kedge.ops`.

One module per noun: its routes, and how its rows are shown. Beside them what all share: who asks
(`authentication`), request bodies (`bodies`), lists (`ranges`), answers and errors.
Not here: rules, rows changed, decisions. A view reads the request, calls one use case, shows the
result.
"""
