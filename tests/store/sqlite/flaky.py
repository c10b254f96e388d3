"""A way to the disk that fails when told to."""

# ruff: noqa: N802 - the library calls these methods by SQLite's own names

from __future__ import annotations

import itertools

import apsw

_numbers = itertools.count(1)


class FlakyDisk(apsw.VFS):
    """Raises ``trouble`` from every write and sync while it is set."""

    def __init__(self) -> None:
        self.name = f"flaky{next(_numbers)}"
        self.trouble: type[apsw.Error] | None = None
        super().__init__(self.name, "")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:
        return FlakyFile(self, name, flags)

    def check(self) -> None:
        if self.trouble is not None:
            raise self.trouble("as the test asked")


class FlakyFile(apsw.VFSFile):
    def __init__(
        self, disk: FlakyDisk, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.check()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.check()
        super().xSync(flags)
