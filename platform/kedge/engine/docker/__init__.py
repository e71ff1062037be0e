"""Dynos and builds as Docker containers, on one engine.

`runtime.py` and `builder.py` are the `Runtime` and `Builder` of the protocols; the other modules
are one concept each: network, firewall, images, output, … Everything made here carries the label
`kedge.home`, and `traces.py` can remove all of it. Nothing outside this package names Docker, but
`services.py`, which binds it. Importing the package itself is cheap; the SDK comes with a module.
"""
