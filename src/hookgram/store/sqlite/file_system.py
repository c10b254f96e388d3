"""What lies below the store's file: refuses what cannot be trusted, notices when it is gone."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from hookgram.errors import SettingsError, StoreBroken

MOUNTS = Path("/proc/self/mounts")
NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p"}
    | {"afs", "ceph", "glusterfs", "lustre", "ncpfs", "ocfs2", "gfs2"}
)
LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs"})
"""The one user-space file system that is this machine's own disk: containers without root."""


class Presence:
    """Knows whether a file is still the one that stood at *path* when this was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = _identity(path)

    def check(self) -> None:
        """Raise StoreBroken if it is gone: what is written to it now, nobody will ever find."""
        if _identity(self._path) != self._found:
            raise StoreBroken(f"{self._path} was removed or replaced while it was open")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def refuse_networked(path: Path) -> None:
    """Raise SettingsError if *path* lies on a network file system. Unknown mounts pass."""
    kind = networked_kind(PurePosixPath(path.resolve()), mounts())
    if kind is not None:
        problem = (
            f"SQLITE_PATH: {path} lies on a network file system ({kind}), where SQLite's log is "
            "not safe: put it on a disk of this machine, or use QUEUE_BACKEND=postgres"
        )
        raise SettingsError([problem])


def mounts() -> str:
    """Return the text of ``/proc/self/mounts``; empty where there is none: this is not Linux."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""


def mounted(path: PurePosixPath, mounts: str) -> tuple[str, str]:
    """Return where the file system that holds *path* is mounted, and its type; "" if unknown.

    *mounts* is the text of ``/proc/self/mounts``: later lines cover earlier ones.
    """
    best, found = -1, ("", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = PurePosixPath(_unescaped(fields[1]))
        if path.is_relative_to(place) and len(place.parts) >= best:
            best, found = len(place.parts), (str(place), fields[2])
    return found


def networked_kind(path: PurePosixPath, mounts: str) -> str | None:
    """Return the type of the network file system that holds *path*, or None."""
    _, kind = mounted(path, mounts)
    networked = kind in NETWORKED or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)
    return kind if networked else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
