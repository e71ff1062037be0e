"""The runner: works inside the build container and turns a source into the layers of a slug.

Belongs here: reading the request, unpacking, choosing and calling buildpacks by Heroku's
buildpack API, process types, layers, the result file. Standard library only. Does not belong
here: knowledge of any language (that is a buildpack's), and of Docker (that is the engine's).
"""
