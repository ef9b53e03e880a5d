"""Start a PostgreSQL of one's own for tests, on loopback, and print its URL; stop it again.

    export AUDITOR_TEST_POSTGRESQL=$(python tools/postgresql.py start FOLDER)
    python tools/postgresql.py stop FOLDER

The programs are those of the system (Debian: `apt-get install postgresql`). As root it runs as `postgres`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

USER = "postgres"


def program(name: str) -> str:
    """Find a program of PostgreSQL, on the path or where Debian keeps it."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(beside[-1]) if beside else None)
    if found is None:
        sys.exit(f"{name} is not there: install PostgreSQL")
    return found


def run(*command: str) -> None:
    """Run a program, as another user where we are root: PostgreSQL refuses to be."""
    root = os.geteuid() == 0
    prefix = ["runuser", "-u", USER, "--"] if root else []
    subprocess.run([*prefix, *command], check=True, stdout=sys.stderr, cwd="/")  # noqa: S603 -- our own


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(folder: Path) -> None:
    """Make a cluster and start it; nothing in it outlives a crash, which tests do not need."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    data, port = str(folder / "data"), free_port()
    run(program("initdb"), "-D", data, "-A", "trust", "-U", USER, "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
    run(program("pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    print(f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres")


def main() -> None:
    """Start or stop."""
    if len(sys.argv) != 3 or sys.argv[1] not in {"start", "stop"}:  # noqa: PLR2004 -- verb and folder
        sys.exit(__doc__)
    folder = Path(sys.argv[2]).absolute()
    if sys.argv[1] == "start":
        start(folder)
    else:
        run(program("pg_ctl"), "-D", str(folder / "data"), "-m", "fast", "stop")


if __name__ == "__main__":
    main()
