"""The address of a weights file, with what must hold for its bytes."""

import dataclasses
import urllib.parse
from collections.abc import Callable
from typing import Any

from keras_transfer import names


@names.renamed(licence="license")
@dataclasses.dataclass(frozen=True)
class WeightsFile:
    """A file of pretrained weights, published or shipped with the plugin.

    Args:
        url: Where it is published; a `file:` address is read in place.
        file_name: Its name in the cache, `<Keras home>/models`. Defaults to
            the last part of the URL.
        sha256: Hexadecimal digest that the file must have, or `None` where
            its publisher gives none.
        md5: The same as MD5, for publishers that give only that.
        license: License of the weights.
        finish: Called with the model that has just loaded this file, for what
            its publisher does beside loading. Defaults to nothing.
    """

    url: str
    file_name: str = ""
    sha256: str | None = None
    md5: str | None = None
    license: str = ""
    finish: Callable[[Any], None] | None = None

    def __post_init__(self):
        if not self.file_name:
            name = urllib.parse.urlsplit(self.url).path.rpartition("/")[2]
            object.__setattr__(self, "file_name", name)
