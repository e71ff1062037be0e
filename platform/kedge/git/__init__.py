"""Git over HTTP: repositories to push to and clone from, and what a push leads to.

C git does git's work; `receive.py` says what a push means. Not here: building and releasing.
"""
