"""The SQL of management, by what it is about; a query's name is its method's."""

from pathlib import Path

import aiosql

QUERIES = aiosql.from_path(Path(__file__).parent, "asyncpg")
