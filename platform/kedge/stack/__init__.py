"""The stack kedge-13: Debian 13 as the images that dynos, builds and built-in add-ons run in.

Belongs here: the package lists, what is done to the images besides (`finish-*.sh`), and the
making of them out of Debian packages alone, without an image registry. Does not belong here: what
happens inside a build (`buildpacks/`), and starting builds or dynos (`kedge.engine`).
"""

from kedge.stack.images import StackImages, build_images
from kedge.stack.recipe import STACK

__all__ = ["STACK", "StackImages", "build_images"]
