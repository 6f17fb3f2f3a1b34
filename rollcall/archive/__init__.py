"""The file format of backups. docs/operations.md describes it."""
