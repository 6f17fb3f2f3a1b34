/** What the server answers. A test compares each field with the server's OpenAPI document. */

export type PersonType = "student" | "teacher";
export type AttendanceStatus = "Present" | "Absent" | "Late";

/** Pixels of the upright picture. */
export interface Box { x: number; y: number; width: number; height: number }
export interface Point { x: number; y: number }

export interface HealthAnswer {
  status: "healthy" | "degraded" | "unhealthy";
  message: string;
  enrolled_faces: number;
  model_loaded: boolean;
  similarity_threshold: number | null;
  calibration: "stored" | "built-in" | "generic" | null;
  model: string | null;
  backend: string | null;
  database: string;
  version: string;
}

export interface EnrollAnswer {
  success: true;
  message: string;
  person_code: string;
  /** The Id of the new face. */
  embedding_id: number;
  warnings: string[];
}

export interface BatchEnrollAnswer { success: true; results: BatchResult[]; summary: BatchSummary }
export interface BatchResult {
  person_code: string | null;
  success: boolean;
  message: string;
  error_code: string | null;
  embedding_id: number | null;
}
export interface BatchSummary { total: number; successful: number; failed: number }

export interface Match {
  person_type: PersonType;
  person_code: string;
  person_name: string;
  /** The probability that the two are the same person. */
  confidence: number;
  /** What the threshold is compared with. */
  similarity_score: number;
  model: string;
}

export interface RecognizeAnswer {
  success: true;
  recognition_id: string;
  /** null: nobody is like enough. */
  match: Match | null;
  /** Only with `top_k` above 1. */
  candidates?: Match[] | null;
  warnings: string[];
  model: string;
  processing_time_ms: number;
}

export interface RecognizedFace { box: Box; match: Match | null; candidates?: Match[] | null }
export interface RecognizeAllAnswer {
  success: true;
  recognition_id: string;
  faces: RecognizedFace[];
  model: string;
  processing_time_ms: number;
}

export interface VerifyAnswer {
  success: true;
  verified: boolean;
  similarity_score: number;
  confidence: number;
  threshold: number;
  warnings: string[];
  model: string;
  processing_time_ms: number;
}

export interface Face { box: Box; score: number; landmarks: Point[] }
export interface DetectAnswer { success: true; faces: Face[] }

export interface Quality {
  score: number;
  face_detected: boolean;
  face_count: number;
  face_size: "adequate" | "small" | "large" | null;
  brightness: "good" | "dark" | "bright" | null;
  blur_level: "low" | "medium" | "high" | null;
  /** `suitable_for_enrollment`, or what to fix. */
  recommendation: string;
}
export interface QualityCheckAnswer { success: true; quality: Quality }

export type FeedbackOutcome = "true_match" | "false_match" | "true_non_match" | "false_non_match";
export interface FeedbackAnswer { success: true; message: string; outcomes: FeedbackOutcome[]; counted: number }

export interface EnrolledFace {
  id: number;
  person_type: PersonType;
  person_code: string;
  person_name: string | null;
  enrollment_date: string;
  has_image: boolean;
}
export interface ListAnswer { success: true; faces: EnrolledFace[]; total_count: number }
export interface DeleteAnswer { success: true; message: string }

export interface Person {
  person_type: PersonType;
  person_code: string;
  person_name: string | null;
  /** Form or Department. */
  group: string | null;
  campus: string | null;
  face_count: number;
  last_enrolled: string | null;
}
export interface PeopleAnswer { success: true; people: Person[]; total_count: number }

export interface StatisticsAnswer {
  success: true;
  as_of: string;
  today: Today;
  hours: Hour[];
  similarity: SimilarityBin[];
  /** false: there were more rows than the newest that are counted. */
  complete: boolean;
}
export interface Today { recognitions: number; recognised: number; not_recognised: number }
export interface Hour {
  hour: string;
  recognised: number;
  not_recognised: number;
  median_ms: number | null;
  p95_ms: number | null;
}
export interface SimilarityBin { from: number; to: number; recognised: number; not_recognised: number }

export interface Marked {
  student_code: string;
  student_name: string;
  status: AttendanceStatus;
  already_marked: boolean;
}
export interface ScanAnswer {
  success: true;
  recognition_id: string;
  marked: Marked[];
  unknown_faces: number;
  model: string;
}

export interface RollEntry {
  student_code: string;
  student_name: string | null;
  form: string | null;
  campus: string | null;
  /** null: nothing is recorded. */
  status: AttendanceStatus | null;
  marked_at: string | null;
}
export interface RollSummary { total: number; present: number; late: number; missing: number }
export interface RollAnswer { success: true; session_id: number; students: RollEntry[]; summary: RollSummary }
export interface SessionMarks { session_id: number; marked: number; last_marked: string | null }
export interface AttendanceAnswer { success: true; sessions: SessionMarks[]; forms: string[]; campuses: string[] }

export interface Model {
  name: string;
  known: boolean;
  present: boolean;
  verified: string | null;
  loaded: boolean;
  active: boolean;
  licence: string;
  dimension: number | null;
  backend: string | null;
  operating_point: number;
  faces: number;
  downloaded: number | null;
  problem: string | null;
}
export interface Server { name: string; loaded: string[] }
export interface Rehearsal {
  faces: number;
  not_found: number[];
  not_found_count: number;
  missed: number;
  probes: number;
  old_rank1: number;
  new_rank1: number;
  rank1_agreement: number | null;
}
export interface Switch {
  id: number;
  kind: "switch" | "rollback";
  source: string | null;
  target: string;
  state: "running" | "done" | "failed" | "cancelled";
  step: "waiting" | "loading" | "embedding" | "rehearsing" | "gathering" | null;
  done: number;
  total: number;
  problem: string | null;
  rehearsal: Rehearsal | null;
  begun: string;
  ended: string | null;
}
export interface ModelsAnswer {
  success: true;
  active: string | null;
  wanted: string;
  previous: string | null;
  next: string | null;
  models: Model[];
  switch: Switch | null;
  servers: Server[];
  left_faces: number;
}
export interface SwitchedAnswer { success: true; message: string; switch: Switch }
export interface LeftFace { id: number; person_type: PersonType; person_code: string; reason: string }
export interface LeftAnswer { success: true; faces: LeftFace[]; total_count: number }

export interface Job {
  id: string;
  kind: "import";
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  dry_run: boolean;
  person_type: PersonType;
  mode: "reject" | "add" | "replace";
  total: number | null;
  done: number;
  enrolled: number;
  skipped: number;
  failed: number;
  warnings: number;
  faces_per_second: number | null;
  seconds_left: number | null;
  problem: string | null;
  created_at: string;
  ended_at: string | null;
}
export interface JobRow {
  line: number | null;
  person_code: string;
  photo: string | null;
  outcome: "enrolled" | "skipped" | "failed" | "duplicate";
  error_code: string | null;
  message: string;
  suggestion: string | null;
  same_face_as: string | null;
}
export interface JobBegunAnswer { success: true; job: Job }
export interface JobCancelledAnswer { success: true; message: string; job: Job }
export interface JobLookAnswer { success: true; job: Job; errors: JobRow[] }
export interface JobListAnswer { success: true; jobs: Job[] }
