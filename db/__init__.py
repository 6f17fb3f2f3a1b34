"""All SQL: the only importer of SQLAlchemy and PyMySQL."""
