"""What the runner and Kedge's own buildpacks share.

Belongs here: Heroku's form of build output, refusals, the env folder, dependency trees that are
kept between builds, version ranges, downloads. Standard library only, Python 3.10 and newer. Does
not belong here: anything one buildpack alone needs.
"""
