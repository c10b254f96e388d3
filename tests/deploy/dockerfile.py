"""The steps of the Dockerfile, replayed on this machine in a folder: no Docker, the same commands.

Paths of the image lie below the folder; each stage begins with nothing but a Python. An instruction
it does not know is an error, so a step added to the Dockerfile is replayed or the tests fail.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

# What makes accounts needs the image's own /etc; every other command runs.
ACCOUNTS = re.compile(r"^useradd [^&]*&& ")
TOLD = {"LABEL", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
BASE_PATH = "/usr/local/bin:/usr/bin:/bin"


def instructions(text: str) -> list[tuple[str, str]]:
    """Read a Dockerfile: each instruction with its words."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    lines = re.sub(r"\s*\\\n\s*", " ", code).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line]


def ignored(path: str, rules: list[str]) -> bool:
    """Tell whether .dockerignore keeps *path* out: the last rule that fits decides."""
    parts = path.split("/")
    heads = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    out = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        names = parts if "**/" in rule else heads
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            out = not rule.startswith("!")
    return out


def listing(root: Path) -> dict[str, tuple[int, int]]:
    """Tell all that lies below *root*: size and time of the last change."""
    found = {path: path.lstat() for path in root.rglob("*")}
    return {str(path): (seen.st_size, seen.st_mtime_ns) for path, seen in found.items()}


@dataclass
class Image:
    """What was built: its files below *folder*, and what the Dockerfile says about running it."""

    folder: Path
    context: Path
    base: dict[str, str]
    env: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    copied: list[str] = field(default_factory=list)
    built: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder that stands for the image's own ``/``."""
        return self.folder / "root"

    def path(self, path: str) -> Path:
        """Where *path* of the image lies on this machine."""
        return self.root / path.lstrip("/")

    def here(self, text: str) -> str:
        """Put every absolute path of the image in *text* below our folder."""
        return re.sub(r"(?<![\w./*-])/(?=opt|build|data)", f"{self.root}/", text)

    def build(self, dockerfile: Path) -> Image:
        """Run every step."""
        for word, rest in instructions(dockerfile.read_text()):
            if word in TOLD:
                self.told[word] = rest
            else:
                getattr(self, f"_{word.lower()}")(rest)
        self.built = listing(self.root)
        return self

    def _from(self, _: str) -> None:
        if self.root.exists():
            self.root.rename(self.folder / "build")
        self.root.mkdir(parents=True)
        self.env, self.told, self._workdir_ = {}, {}, "/"

    def _workdir(self, path: str) -> None:
        self._workdir_ = path
        self.path(path).mkdir(parents=True, exist_ok=True)

    def _env(self, rest: str) -> None:
        python = self.folder / "python"
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            self.env[name] = self.here(value).replace("$PATH", f"{python}:{BASE_PATH}")

    def _copy(self, rest: str) -> None:
        stage = rest.startswith("--from=build ")
        *sources, target = rest.removeprefix("--from=build ").split()
        for source in sources:
            into = self.path(str(Path(self._workdir_, target, Path(source).name)))
            if not target.endswith("/"):
                into = self.path(str(Path(self._workdir_, target)))
            into.parent.mkdir(parents=True, exist_ok=True)
            if stage:
                (self.folder / "build" / source.lstrip("/")).rename(into)
            else:
                self._from_context(Path(source), into)

    def _from_context(self, source: Path, into: Path) -> None:
        rules = [r for r in (self.context / ".dockerignore").read_text().splitlines() if r]
        whole = self.context / source
        files = [whole] if whole.is_file() else [f for f in whole.rglob("*") if f.is_file()]
        kept = [f for f in files if not ignored(str(f.relative_to(self.context)), rules)]
        assert kept, f"COPY {source}: the context does not hold it"
        for file in kept:
            place = into / file.relative_to(whole) if whole.is_dir() else into
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            self.copied.append(str(file.relative_to(self.context)))

    def _run(self, rest: str) -> None:
        python = self.folder / "python"
        ran = subprocess.run(
            ["/bin/sh", "-ec", self.here(ACCOUNTS.sub("", rest))],
            cwd=self.path(self._workdir_),
            env={**self.base, "PATH": f"{python}:{BASE_PATH}", **self.env},
            umask=0o022,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"RUN {rest}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"

    def command(self, instruction: str) -> list[str]:
        """Read CMD's list, or HEALTHCHECK's, with paths of this machine."""
        words = json.loads(self.told[instruction][self.told[instruction].index("[") :])
        words = [self.here(word) for word in words]
        found = shutil.which(words[0], path=self.env["PATH"])
        assert found, words[0]
        return [found, *words[1:]]


def build(context: Path, folder: Path) -> Image:
    """Replay *context*'s Dockerfile in *folder*, whose only Python is the one that runs this."""
    python = folder / "python"
    python.mkdir(parents=True)
    (python / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (python / "python").chmod(0o755)
    kept = (
        "HOME",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    )
    base = {name: value for name, value in os.environ.items() if name in kept or name[:4] == "PIP_"}
    return Image(folder=folder, context=context, base=base).build(context / "Dockerfile")
