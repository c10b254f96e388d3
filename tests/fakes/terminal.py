"""A terminal: runs a program on a real pty, and knows what stands on its screen at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from pathlib import Path

_PIECE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Terminal:
    """Starts *command* on a pty of so many columns and rows, and collects what it prints."""

    def __init__(self, command: list[str], columns: int, rows: int, *, env, cwd: Path) -> None:
        self.columns = columns
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd
        )
        os.close(theirs)
        self._ours = ours
        self._printed = bytearray()
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, ours: int) -> None:
        try:
            while piece := os.read(ours, 65536):
                self._printed += piece
        except OSError:
            pass  # the last program on it has ended
        finally:
            os.close(ours)

    def type(self, keys: bytes) -> None:
        """Type, as somebody before it would."""
        os.write(self._ours, keys)

    def ended(self, deadline: float) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(deadline)
        self._reader.join(deadline)
        return code

    @property
    def text(self) -> str:
        """All that was printed, control characters included."""
        return self._printed.decode()

    def screen(self) -> list[str]:
        """Return the lines as a terminal without end would show them."""
        lines, row, column = [""], 0, 0
        for piece in _PIECE.finditer(self.text):
            text = piece[0]
            if text == "\r":
                column = 0
            elif text == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif piece[2] == "A":
                row -= int(piece[1] or 1)
            elif piece[2] == "K":
                lines[row] = ""
            elif piece[2] is None:
                for char in text:
                    if column == self.columns:
                        row, column = row + 1, 0
                        lines += [""] * (row + 1 - len(lines))
                    line = lines[row].ljust(column)
                    lines[row] = line[:column] + char + line[column + 1 :]
                    column += 1
        return [line.rstrip() for line in lines]
