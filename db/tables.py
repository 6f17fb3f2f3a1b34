"""The tables as statements see them. `migrations/` makes the schema; a test checks that both agree."""

from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData()


def _person_table(name: str, group: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column("Id", Integer, primary_key=True),
        Column(f"{name}Code", CHAR(10)),
        Column(f"{name}Nickname", String(100)),
        Column(f"{name}Name", String(200)),
        Column(f"{name}Image", LargeBinary),
        Column("EmailAddress", String(100)),
        Column("Campus", String(50)),
        group,
        Column("CreatedDate", DateTime),
    )


student = _person_table("Student", Column("Form", String(100)))
teacher = _person_table("Teacher", Column("Department", String(100)))

face_data = Table(
    "FaceData",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("PersonType", String(20)),
    Column("PersonCode", CHAR(10), nullable=False),
    Column("ImageData", LargeBinary),
    Column("FaceDescriptor", Text),
    Column("OriginalName", String(255)),
    Column("ContentType", String(100)),
    Column("CreatedDate", DateTime),
)

sessions = Table("Sessions", metadata, Column("Id", Integer, primary_key=True))

attendance_records = Table(
    "AttendanceRecords",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("SessionId", Integer, nullable=False),
    Column("StudentCode", CHAR(10), nullable=False),
    Column("Status", String(20)),
    Column("AttendanceDate", DateTime),
    Column("CreatedDate", DateTime),
)

face_recognition_logs = Table(
    "FaceRecognitionLogs",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("PersonCode", CHAR(10)),
    Column("PersonType", String(20)),
    # Not as Decimal: SQLite has none, and the values are rounded to four places before they are written.
    Column("Confidence", Numeric(5, 4, asdecimal=False)),
    Column("ProcessingTimeMs", Integer),
    Column("SourceImageName", String(255)),
    Column("RecognitionDate", DateTime),
    Column("Success", SmallInteger),
)

# From here on our own tables, without foreign keys: a user's FaceData may be MyISAM, which has none.

embeddings = Table(
    "RollcallEmbeddings",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("FaceId", Integer, nullable=False),
    Column("Model", String(64), nullable=False),
    Column("Vector", LargeBinary),  # little-endian float32; NULL where Problem says why there is none
    Column("Problem", String(50)),
    Column("CreatedDate", DateTime),
)

changes = Table(
    "RollcallChanges",
    metadata,
    Column("Id", Integer, primary_key=True),
    # A face's Id, or one of the signals of core.records.
    Column("FaceId", Integer, nullable=False),
    # Random: two histories with the same numbers, before and after a restored backup, differ by it.
    Column("Stamp", BigInteger),
)

# FaceData as we last saw it, to notice what other programs do there.
known_faces = Table(
    "RollcallKnownFaces",
    metadata,
    Column("FaceId", Integer, primary_key=True, autoincrement=False),
    Column("RowCheck", BigInteger, nullable=False),  # of its person
    Column("DescriptorCheck", BigInteger),  # of its FaceDescriptor; NULL where that is NULL
)

# A FaceDescriptor of the old server's, byte for byte, in place of which the row has a new one.
old_descriptors = Table(
    "RollcallOldDescriptors",
    metadata,
    Column("FaceId", Integer, primary_key=True, autoincrement=False),
    Column("Descriptor", Text, nullable=False),
    Column("Model", String(64), nullable=False),  # whose embedding the row has now
    Column("MadeEmbedding", SmallInteger, nullable=False),  # whether our table had none before
    Column("NewCheck", BigInteger, nullable=False),  # of the new FaceDescriptor
    Column("CreatedDate", DateTime),
)

# From which photo of a bulk import a face came. SHA-256 of the photo, in hexadecimal digits.
imported = Table(
    "RollcallImported",
    metadata,
    Column("FaceId", Integer, primary_key=True, autoincrement=False),
    Column("PersonType", String(20), nullable=False),
    Column("FoldedCode", String(40), nullable=False),  # as core.people.fold_code has it
    Column("PhotoHash", CHAR(64), nullable=False),
    Column("CreatedDate", DateTime),
)

# What goes with a row of FaceData, by its FaceId.
OF_A_FACE = (embeddings, known_faces, old_descriptors, imported)
# Those of them that hold something about the picture it has: they are of no face where the face is gone.
OF_A_PICTURE = (embeddings, old_descriptors, imported)

# From here on moments are seconds since 1970 by the database's clock.

switches = Table(
    "RollcallSwitches",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("Kind", String(20), nullable=False),
    Column("Source", String(64)),
    Column("Target", String(64), nullable=False),
    Column("State", String(20), nullable=False),
    Column("Step", String(20)),
    Column("Done", Integer, nullable=False),
    Column("Total", Integer, nullable=False),
    Column("Forced", SmallInteger, nullable=False),
    Column("Problem", String(1000)),
    Column("Report", Text),  # JSON
    Column("Owner", String(64)),  # the process that works on it
    Column("Seen", BigInteger, nullable=False),  # when the owner last wrote here
    Column("Begun", BigInteger, nullable=False),
    Column("Ended", BigInteger),
)

servers = Table(
    "RollcallServers",
    metadata,
    Column("Name", String(64), primary_key=True),
    Column("Wanted", String(64), nullable=False),  # the model that is to answer by its word
    Column("Models", String(1000), nullable=False),  # those it has loaded, with commas between
    Column("Seen", BigInteger, nullable=False),
)

# Which recogniser a model's embeddings were made with: files of the same name may be another model.
fingerprints = Table(
    "RollcallModels",
    metadata,
    Column("Model", String(64), primary_key=True),
    Column("Recogniser", CHAR(64), nullable=False),  # SHA-256 of its file
    Column("Dimension", Integer, nullable=False),
    Column("CreatedDate", DateTime),
)

# What two models said of the same face.
comparisons = Table(
    "RollcallComparisons",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("Model", String(64), nullable=False),
    Column("PersonType", String(20)),
    Column("PersonCode", CHAR(10)),
    Column("Similarity", Double),
    Column("Accepted", SmallInteger, nullable=False),
    Column("Milliseconds", Double, nullable=False),
    Column("Shadow", String(64), nullable=False),
    Column("ShadowPersonType", String(20)),
    Column("ShadowPersonCode", CHAR(10)),
    Column("ShadowSimilarity", Double),
    Column("ShadowAccepted", SmallInteger, nullable=False),
    Column("ShadowMilliseconds", Double, nullable=False),
    Column("CreatedDate", DateTime),
)

# What was answered, and what feedback said of it: a row for each face of a picture.
recognitions = Table(
    "RollcallRecognitions",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("RecognitionId", CHAR(32), nullable=False),  # of the picture
    # Its number in the picture from 1; 0: the picture has none; NULL: somebody missed, added by feedback.
    Column("Face", Integer),
    Column("Model", String(64), nullable=False),
    Column("MatchedBy", String(64)),  # the model that knew the face
    Column("PersonType", String(20)),
    Column("PersonCode", CHAR(10)),  # who was named; NULL: nobody
    Column("Similarity", Double),  # of the likest person; NULL: no face, or nobody to compare it with
    Column("Correct", SmallInteger),  # NULL until feedback comes
    Column("ActualCode", CHAR(10)),  # who it was, where the answer was wrong
    Column("CreatedDate", DateTime),
)

jobs = Table(
    "RollcallJobs",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("JobId", CHAR(32), nullable=False),
    Column("Kind", String(20), nullable=False),
    Column("State", String(20), nullable=False),
    Column("PersonType", String(20), nullable=False),
    Column("Mode", String(20), nullable=False),
    Column("DryRun", SmallInteger, nullable=False),
    Column("Total", Integer, nullable=False),
    Column("Enrolled", Integer, nullable=False),
    Column("Skipped", Integer, nullable=False),
    Column("Failed", Integer, nullable=False),
    Column("Warnings", Integer, nullable=False),
    Column("RowsPerSecond", Double),
    Column("Problem", String(1000)),
    Column("Actor", String(100), nullable=False),  # who asked for it
    Column("Address", String(64), nullable=False),
    Column("RequestId", String(64), nullable=False),
    Column("Owner", String(64)),  # the process that works on it
    Column("Seen", BigInteger, nullable=False),  # when the owner last wrote here
    Column("Created", BigInteger, nullable=False),
    Column("Begun", BigInteger),
    Column("Ended", BigInteger),
)

# A job's report. It names people, whoever they are: a list's codes may be nobody's.
job_rows = Table(
    "RollcallJobRows",
    metadata,
    Column("Id", Integer, primary_key=True),
    Column("JobId", CHAR(32), nullable=False),
    Column("Number", Integer, nullable=False),  # from 1, in the order of the list
    Column("Line", Integer),
    Column("PersonType", String(20)),
    Column("PersonCode", String(100)),
    Column("PersonName", String(200)),
    Column("Photo", String(255)),
    Column("Outcome", String(20), nullable=False),
    Column("Code", String(50)),
    Column("Reason", String(1000)),
    Column("WhatToDo", String(1000)),
    Column("SameFaceAs", String(40)),
)

settings = Table(
    "RollcallSettings",
    metadata,
    Column("Name", String(64), primary_key=True),
    Column("Value", String(255), nullable=False),
    Column("ChangedDate", DateTime),
)

state = Table(
    "RollcallState",
    metadata,
    Column("Name", String(64), primary_key=True),
    Column("Value", String(255), nullable=False),
)

LOCK_ROW = "lock"  # the row that whoever changes faces, persons or attendance holds until the commit
SESSIONS_ROW = "sessions_table"
SESSIONS_ARE_OURS = "ours"
KNOWN_FACES_ROW = "known_faces"
KNOWN_FACES_ARE_FILLED = "filled"
AUDIT_ROW = "audit"  # the newest entry's Id and Hash

calibrations = Table(
    "RollcallCalibrations",
    metadata,
    Column("Model", String(64), primary_key=True),
    Column("Midpoint", Double, nullable=False),
    Column("Slope", Double, nullable=False),
    Column("OperatingPoint", Double, nullable=False),
    Column("SamePairs", Integer, nullable=False),
    Column("DifferentPairs", Integer, nullable=False),
    Column("CreatedDate", DateTime),
)

# core.audit says what the hashes are made of.
audit = Table(
    "RollcallAudit",
    metadata,
    Column("Id", Integer, primary_key=True, autoincrement=False),  # without gaps
    Column("Moment", String(24), nullable=False),
    Column("Actor", String(100), nullable=False),
    Column("Address", String(64), nullable=False),
    Column("RequestId", String(64), nullable=False),
    Column("Action", String(40), nullable=False),
    Column("PersonType", String(20)),
    Column("PersonCode", String(10)),
    Column("Salt", String(32)),
    Column("PersonDigest", String(64)),
    Column("Details", Text, nullable=False),  # JSON
    Column("PreviousHash", String(64), nullable=False),
    Column("Hash", String(64), nullable=False),
)

migrations = Table(
    "RollcallMigrations",
    metadata,
    Column("Number", Integer, primary_key=True),
    Column("Name", String(64), nullable=False),
    Column("AppliedDate", DateTime),
)
