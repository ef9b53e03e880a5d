"""Versions of the tables, and how Alembic is run: by the store, in the transaction that it gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from auditor.scans import tables

if TYPE_CHECKING:
    import sqlalchemy as sa


def migrate(connection: sa.Connection) -> None:
    """Bring the tables to the newest version, in the transaction of `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, _context: object) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 -- what `alembic upgrade` calls

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=tables.metadata,
            render_as_batch=True,
            transactional_ddl=False,
        )
        environment.run_migrations()
