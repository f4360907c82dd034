"""What is checked before a data folder is opened: the SQLite version and the kind of filesystem."""

from __future__ import annotations

import os
import re
from pathlib import Path

import apsw

from agent_memory_server.domain.errors import StartRefused

OLDEST_SQLITE = (3, 51, 3)
"""Up to 3.51.2 a WAL reset race can corrupt a file that two connections write and checkpoint at once."""

NETWORK_FILESYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs smb2 ncpfs afs 9p fuse.sshfs fuse.s3fs fuse.rclone fuse.gcsfuse fuse.glusterfs "
    "glusterfs ceph fuse.ceph lustre beegfs davfs fuse.davfs2 gpfs ocfs2 gfs2 afpfs webdav".split()
)
"""Filesystems shared between hosts: WAL keeps an index in memory that only processes of one host share."""

_MOUNTS = Path("/proc/self/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")


def check_sqlite_version(version: str | None = None) -> None:
    """Refuse to start on a SQLite that can corrupt a shared file. version: defaults to the one apsw carries."""
    found = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")[:3]) < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise StartRefused(f"SQLite {found} is too old: {wanted} or newer is needed; install a newer apsw")


def _unescaped(mount_point: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), mount_point)


def filesystem_of(path: Path, mounts: str) -> str | None:
    """The filesystem type of the mount that holds `path`.

    mounts: lines as in /proc/self/mounts (`device mount-point type options …`). None when no mount matches.
    """
    target = os.path.realpath(path)
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = _unescaped(parts[1])
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        # Of mounts on one point the last one is the visible one.
        if inside and (best is None or len(point) >= best[0]):
            best = (len(point), parts[2])
    return best[1] if best else None


def check_filesystem(folder: Path, *, mounts: str | None = None) -> None:
    """Refuse a data folder on a network filesystem, where writers of two hosts would corrupt the file.

    mounts: the mount table; by default the running system's, and no check where there is none (not Linux).
    """
    if mounts is None:
        if not _MOUNTS.exists():
            return
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    kind = filesystem_of(folder, mounts)
    if kind in NETWORK_FILESYSTEMS:
        raise StartRefused(
            f"the data folder {folder} is on a network filesystem ({kind}), where SQLite's log is not safe; "
            "set MEMORY_DATA_DIR to a local disk, or REDIS_URL to share memories between hosts"
        )
