"""Why the operating system refused, in words that can be shown in another language."""

import errno
from typing import Final

from facility.sentence import Sentence

_REASONS: Final = {
    errno.ENOENT: Sentence("there is no such file or folder"),
    errno.EACCES: Sentence("permission denied"),
    errno.EPERM: Sentence("permission denied"),
    errno.EROFS: Sentence("the file system is read-only"),
    errno.ENOSPC: Sentence("no space is left on the disk"),
    errno.EDQUOT: Sentence("no space is left on the disk"),
    errno.EISDIR: Sentence("it is a folder"),
    errno.ENOTDIR: Sentence("a part of its path is a file"),
    errno.ENAMETOOLONG: Sentence("the name is too long"),
}


def reason_of(error: OSError) -> Sentence | str:
    """Return why the operating system refused; in its own words where it is none of the usual reasons.

    Examples
    --------
    >>> print(reason_of(FileNotFoundError(2, "No such file or directory")))
    there is no such file or folder
    """
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)
