"""What refuses a data folder before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.adapters.sqlite.guard import (
    NETWORK_FILESYSTEMS,
    check_filesystem,
    check_sqlite_version,
    filesystem_of,
)
from agent_memory_server.domain.errors import StartRefused


@pytest.mark.parametrize("version", ["3.51.2", "3.7.0", "3.50.9", "2.99.99"])
def test_a_sqlite_that_can_corrupt_a_shared_file_is_refused(version: str) -> None:
    with pytest.raises(StartRefused, match=version):
        check_sqlite_version(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.51.10", "3.52.0", "3.100.0", "4.0.0", "3.54.1.1"])
def test_a_newer_sqlite_is_accepted(version: str) -> None:
    check_sqlite_version(version)


def test_the_sqlite_in_use_is_accepted() -> None:
    check_sqlite_version()


def table(*mounts: tuple[str, str]) -> str:
    return "".join(f"device {point} {kind} rw,relatime 0 0\n" for point, kind in mounts)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/memory", "ext4"),
        ("/srv/share/memory", "nfs4"),
        ("/srv/share", "nfs4"),
        ("/srv/shared", "ext4"),
        ("/srv/share/local/memory", "xfs"),
        ("/my disk/memory", "cifs"),
        ("/over", "tmpfs"),
    ],
)
def test_the_longest_mount_point_decides(path: str, expected: str) -> None:
    mounts = table(
        ("/", "ext4"),
        ("/srv/share/local", "xfs"),
        ("/srv/share", "nfs4"),
        (r"/my\040disk", "cifs"),
        ("/over", "nfs"),
        ("/over", "tmpfs"),
    )
    assert filesystem_of(Path(path), mounts) == expected


@pytest.mark.parametrize("mounts", ["", "\n", "nonsense\n", "device /elsewhere nfs rw 0 0\n"])
def test_a_table_without_the_folder_says_nothing(mounts: str, tmp_path: Path) -> None:
    assert filesystem_of(tmp_path, mounts) is None
    check_filesystem(tmp_path, mounts=mounts)


@pytest.mark.parametrize("kind", sorted(NETWORK_FILESYSTEMS))
def test_a_network_filesystem_is_refused_with_the_remedy(kind: str, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="MEMORY_DATA_DIR") as refused:
        check_filesystem(tmp_path, mounts=table(("/", "ext4"), (str(tmp_path), kind)))
    assert kind in str(refused.value)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "apfs", "fuseblk"])
def test_a_local_filesystem_is_accepted(kind: str, tmp_path: Path) -> None:
    check_filesystem(tmp_path, mounts=table(("/", "nfs"), (str(tmp_path), kind)))


def test_a_link_to_a_network_filesystem_is_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "share")
    with pytest.raises(StartRefused):
        check_filesystem(tmp_path / "link" / "memory", mounts=table((str(tmp_path / "share"), "nfs")))


def test_the_mount_table_of_this_system_can_be_read(tmp_path: Path) -> None:
    check_filesystem(tmp_path)
