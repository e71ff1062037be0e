"""The whole platform as `kedge up` starts it, used as people use it: pushes, visitors, faults.

A package, so that its platforms end with its last test and not with the session: three idle ones
beside the tests of the browser take the time of those.
"""
