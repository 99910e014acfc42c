"""What went wrong, in one line for a person; where it went wrong is for the log."""

from __future__ import annotations

import errno

OURS = "lib."
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def sentence(error: BaseException) -> str:
    """What ``error`` means to the one who runs the report. Never a traceback, never a password."""
    return " ".join(_told(error).split())


def _told(error: BaseException) -> str:
    remedy = getattr(error, "remedy", "")
    if type(error).__module__.startswith(OURS):  # these are written for people
        return f"{error} {remedy}"
    if isinstance(error, OSError) and error.strerror:
        if error.errno in FULL:
            where = f" for {error.filename}" if error.filename else ""
            return f"There is no room left on the disk{where}. Make room there, and run it again."
        where = f"{error.filename}: " if error.filename else ""
        return f"A file or folder cannot be used: {where}{error.strerror}."
    if isinstance(error, KeyboardInterrupt):
        return "The run was interrupted."
    return f"The run failed for a reason that it does not know ({type(error).__name__}); --verbose or --log says where."
