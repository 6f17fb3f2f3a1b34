"""All tables, within one transaction."""

from functools import cached_property

from sqlalchemy import Connection

from db.attendance import SqlAttendance
from db.audit import SqlAudit
from db.calibrations import SqlCalibrations
from db.changes import SqlChanges
from db.comparisons import SqlComparisons
from db.directory import SqlDirectory
from db.faces import SqlFaces
from db.imported import SqlImportedFaces
from db.jobs import SqlJobs
from db.known_faces import SqlKnownFaces
from db.logs import SqlRecognitionLog
from db.old_descriptors import SqlOldDescriptors
from db.people import PersonRows, SqlPeople
from db.recent import SqlRecentRecognitions
from db.recognitions import SqlRecognitions
from db.retention import SqlLogRetention, of_comparisons, of_log, of_recognitions
from db.rolls import SqlRolls
from db.settings import SqlSettings
from db.switches import SqlFingerprints, SqlServers, SqlSwitches


class SqlRecords:
    """The tables of one connection. The caller owns the transaction."""

    def __init__(self, connection: Connection, hints: PersonRows) -> None:
        self.connection = connection
        self._hints = hints

    @cached_property
    def people(self) -> SqlPeople:
        return SqlPeople(self.connection, self._hints)

    @cached_property
    def directory(self) -> SqlDirectory:
        return SqlDirectory(self.connection)

    @cached_property
    def faces(self) -> SqlFaces:
        return SqlFaces(self.connection)

    @cached_property
    def imported(self) -> SqlImportedFaces:
        return SqlImportedFaces(self.connection, self._hints)

    @cached_property
    def known_faces(self) -> SqlKnownFaces:
        return SqlKnownFaces(self.connection)

    @cached_property
    def old_descriptors(self) -> SqlOldDescriptors:
        return SqlOldDescriptors(self.connection)

    @cached_property
    def changes(self) -> SqlChanges:
        return SqlChanges(self.connection)

    @cached_property
    def attendance(self) -> SqlAttendance:
        return SqlAttendance(self.connection)

    @cached_property
    def rolls(self) -> SqlRolls:
        return SqlRolls(self.connection)

    @cached_property
    def log(self) -> SqlRecognitionLog:
        return SqlRecognitionLog(self.connection)

    @cached_property
    def log_retention(self) -> SqlLogRetention:
        return of_log(self.connection)

    @cached_property
    def recognitions(self) -> SqlRecognitions:
        return SqlRecognitions(self.connection)

    @cached_property
    def recognition_retention(self) -> SqlLogRetention:
        return of_recognitions(self.connection)

    @cached_property
    def recent(self) -> SqlRecentRecognitions:
        return SqlRecentRecognitions(self.connection)

    @cached_property
    def comparisons(self) -> SqlComparisons:
        return SqlComparisons(self.connection)

    @cached_property
    def comparison_retention(self) -> SqlLogRetention:
        return of_comparisons(self.connection)

    @cached_property
    def calibrations(self) -> SqlCalibrations:
        return SqlCalibrations(self.connection)

    @cached_property
    def settings(self) -> SqlSettings:
        return SqlSettings(self.connection)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection)

    @cached_property
    def switches(self) -> SqlSwitches:
        return SqlSwitches(self.connection)

    @cached_property
    def servers(self) -> SqlServers:
        return SqlServers(self.connection)

    @cached_property
    def fingerprints(self) -> SqlFingerprints:
        return SqlFingerprints(self.connection)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self.connection)
