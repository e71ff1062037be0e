"""The Node.js buildpack.

Belongs here: package.json, which Node and which package manager, `node_modules` before and after
pruning, build scripts, the dyno's environment. Everything is fetched from the npm registry, Node
itself too. Does not belong here: what another language needs as well (`_lib`).
"""
