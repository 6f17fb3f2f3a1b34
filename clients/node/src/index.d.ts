/** Types of the Rollcall client. Fields of requests and answers have the API's own names; /docs describes them. */

/// <reference types="node" />

import type {
  AttendanceAnswer, BatchEnrollAnswer, DeleteAnswer, DetectAnswer, EnrollAnswer, EnrolledFace, FeedbackAnswer,
  HealthAnswer, JobBegunAnswer, JobCancelledAnswer, JobListAnswer, JobLookAnswer, LeftAnswer, ListAnswer,
  ModelsAnswer, PeopleAnswer, Person, PersonType, QualityCheckAnswer, RecognizeAllAnswer, RecognizeAnswer, RollAnswer, ScanAnswer,
  StatisticsAnswer, SwitchedAnswer, VerifyAnswer,
} from "./answers.js";

export * from "./answers.js";
export * from "./errors.js";

/** The largest picture that the server takes, in bytes. */
export const MAX_PICTURE_BYTES: number;

type Bytes = ArrayBuffer | ArrayBufferView;
type Stream = NodeJS.ReadableStream | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * A picture: a JPEG, PNG or WebP of at most 10 MB. A text is a path, unless it is a data URL; plain base64 is
 * `{ base64 }`. Never hand on a text that somebody sent you: it would be read as a path.
 */
export type Picture = string | URL | { base64: string } | Bytes | Blob | Stream;

/** A file of any size: a text is a path. It is sent while it is read. */
export type Upload = string | URL | Bytes | Blob | Stream;

export interface RollcallOptions {
  /** Where the server is, such as `http://localhost:8000`. */
  baseUrl: string | URL;
  /** Needed where the server has API_KEYS set. */
  apiKey?: string;
  /** How long a call may take, all tries together; 30,000 if absent. Batches and imports get ten times as long. */
  timeoutMs?: number;
  /** How often a call is sent again where that does no harm; 2 if absent. */
  retries?: number;
  /** Another fetch, such as one with a proxy. */
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  /** Breaks the call off. */
  signal?: AbortSignal;
  /** In place of the client's own. */
  timeoutMs?: number;
  /** In place of the client's own. */
  retries?: number;
  /** The X-Request-ID, by which the server's log knows the call: 1 to 64 letters, digits, `.`, `-` or `_`. */
  requestId?: string;
}

export interface WaitOptions<T> {
  /** Breaks the waiting off; what is waited for goes on. */
  signal?: AbortSignal;
  /** How long to wait; an hour if absent. */
  timeoutMs?: number;
  /** How long between two questions; 1,000 if absent. */
  pollMs?: number;
  /** Called with each answer. */
  onProgress?: (found: T) => void;
}

export interface EnrollFields {
  person_type: PersonType;
  person_code: string;
  /** Used when the person does not exist yet and is created. */
  person_name: string;
  image: Picture;
  /** The picture's file name; that of the path or File if absent. */
  original_name?: string | null;
  /** When the person has a face already: answer an error (the default), keep both, or replace the old ones. */
  mode?: "reject" | "add" | "replace";
}

export interface RecognizeFields {
  person_type?: PersonType | null;
  similarity_threshold?: number | null;
  source_image_name?: string | null;
  top_k?: number;
}

export interface VerifyPicturesFields {
  image1: Picture;
  image2: Picture;
  similarity_threshold?: number | null;
}

export interface VerifyPersonFields {
  image: Picture;
  person_type: PersonType;
  person_code: string;
  similarity_threshold?: number | null;
}

export interface FeedbackFields {
  recognition_id: string;
  correct: boolean;
  person_code?: string | null;
}

export interface ScanFields {
  session_id: number;
  status?: "Present" | "Late";
}

export interface SwitchFields {
  force?: boolean;
}

export interface ImportFields {
  /** A zip of the photos. */
  photos: Upload;
  /** Which code and name each photo is of; without it, files and folders are named by their code. */
  csv?: Upload;
  person_type: PersonType;
  /** Say what would be done, and enrol nobody. */
  dry_run?: boolean;
  /** What to do with people who have faces already, none of them from a photo of this list. */
  mode?: "reject" | "add" | "replace";
}

export interface Page {
  limit?: number;
  offset?: number;
}

export interface PeopleQuery {
  person_type?: PersonType | "all";
  /** Part of a code or name. */
  search?: string;
  enrolled?: boolean;
}

export interface AttendanceQuery {
  form?: string;
  campus?: string;
}

export class Rollcall {
  constructor(options: RollcallOptions);

  health(options?: CallOptions): Promise<HealthAnswer>;
  metrics(options?: CallOptions): Promise<string>;
  statistics(options?: CallOptions): Promise<StatisticsAnswer>;

  enroll(fields: EnrollFields, options?: CallOptions): Promise<EnrollAnswer>;
  batchEnroll(enrollments: readonly EnrollFields[], options?: CallOptions): Promise<BatchEnrollAnswer>;
  recognize(image: Picture, fields?: RecognizeFields, options?: CallOptions): Promise<RecognizeAnswer>;
  recognizeAll(image: Picture, fields?: RecognizeFields, options?: CallOptions): Promise<RecognizeAllAnswer>;
  verify(fields: VerifyPicturesFields | VerifyPersonFields, options?: CallOptions): Promise<VerifyAnswer>;
  detect(image: Picture, options?: CallOptions): Promise<DetectAnswer>;
  qualityCheck(image: Picture, options?: CallOptions): Promise<QualityCheckAnswer>;
  feedback(fields: FeedbackFields, options?: CallOptions): Promise<FeedbackAnswer>;
  listFaces(
    personType?: PersonType | "all", query?: Page & { person_code?: string }, options?: CallOptions,
  ): Promise<ListAnswer>;
  eachFace(
    personType?: PersonType | "all", query?: { pageSize?: number; person_code?: string }, options?: CallOptions,
  ): AsyncGenerator<EnrolledFace, void, void>;
  faceImage(id: number, query?: { max_side?: number }, options?: CallOptions): Promise<Blob>;
  deleteFace(id: number, options?: CallOptions): Promise<DeleteAnswer>;
  deletePerson(personType: PersonType, personCode: string, options?: CallOptions): Promise<DeleteAnswer>;

  people(query?: PeopleQuery & Page, options?: CallOptions): Promise<PeopleAnswer>;
  eachPerson(
    query?: PeopleQuery & { pageSize?: number }, options?: CallOptions,
  ): AsyncGenerator<Person, void, void>;

  scan(image: Picture, fields: ScanFields, options?: CallOptions): Promise<ScanAnswer>;
  attendance(sessionId: number, query?: AttendanceQuery, options?: CallOptions): Promise<RollAnswer>;
  attendanceCsv(sessionId: number, query?: AttendanceQuery, options?: CallOptions): Promise<string>;
  attendanceChoices(options?: CallOptions): Promise<AttendanceAnswer>;

  models(options?: CallOptions): Promise<ModelsAnswer>;
  leftFaces(query?: Page, options?: CallOptions): Promise<LeftAnswer>;
  switchModel(model: string, fields?: SwitchFields, options?: CallOptions): Promise<SwitchedAnswer>;
  waitForSwitch(options?: WaitOptions<ModelsAnswer>): Promise<ModelsAnswer>;
  cancelSwitch(options?: CallOptions): Promise<SwitchedAnswer>;
  rollbackModel(options?: CallOptions): Promise<SwitchedAnswer>;

  startImport(fields: ImportFields, options?: CallOptions): Promise<JobBegunAnswer>;
  jobs(options?: CallOptions): Promise<JobListAnswer>;
  job(id: string, options?: CallOptions): Promise<JobLookAnswer>;
  jobReport(id: string, options?: CallOptions): Promise<string>;
  cancelJob(id: string, options?: CallOptions): Promise<JobCancelledAnswer>;
  waitForJob(id: string, options?: WaitOptions<JobLookAnswer>): Promise<JobLookAnswer>;
}
