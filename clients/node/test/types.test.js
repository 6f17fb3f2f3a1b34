/** The types: they are what the server answers, what the client has, and what a strict compiler takes. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as rollcall from "rollcall-client";
import ts from "typescript";

import { ROUTES } from "../src/routes.js";
import { url } from "./world.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const declared = (name) => {
  const path = join(here, "..", "src", name);
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
};

/** Interfaces by name, each as `{field: text of its type}`. */
function interfacesOf(source) {
  const found = {};
  source.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    found[node.name.text] = Object.fromEntries(
      node.members.map((member) => [member.name.getText().replaceAll('"', ""), member.type.getText()]),
    );
  });
  return found;
}

/** The public methods and functions of a class declaration. */
function methodsOf(source, name) {
  const node = source.statements.find((one) => ts.isClassDeclaration(one) && one.name.text === name);
  return node.members.filter(ts.isMethodDeclaration).map((member) => member.name.getText());
}

const answers = interfacesOf(declared("answers.d.ts"));
const requests = interfacesOf(declared("index.d.ts"));
const { schemas } = (await (await fetch(`${url}/openapi.json`)).json()).components;

const isNullable = (schema) => schema.type === "null" || (schema.anyOf ?? []).some((one) => one.type === "null");
const ofSchema = (schema) =>
  Object.fromEntries(Object.entries(schema.properties).map(([name, found]) => [name, isNullable(found)]));
const ofInterface = (found) =>
  Object.fromEntries(Object.entries(found).map(([name, type]) => [name, /\bnull\b/.test(type)]));
const isObject = (schema) => schema.properties !== undefined;

for (const [name, schema] of Object.entries(schemas)) {
  const isAnswer = name.endsWith("Out") || ["BatchResult", "BatchSummary"].includes(name);
  if (!isAnswer || name === "ErrorOut" || !isObject(schema)) continue;
  const base = name.replace(/Out$/, "");
  const isWhole = "success" in schema.properties && name.endsWith("Out");
  const wanted = isWhole || name === "HealthOut" ? `${base}Answer` : base;
  test(`${wanted} is what the server answers`, () => {
    assert.ok(answers[wanted], `answers.d.ts has no ${wanted}`);
    assert.deepEqual(ofInterface(answers[wanted]), ofSchema(schema));
  });
}

test("no answer is declared that the server does not have", () => {
  const known = Object.keys(schemas).map((name) => name.replace(/Out$/, ""));
  assert.deepEqual(Object.keys(answers).filter((name) => !known.includes(name.replace(/Answer$/, ""))), []);
});

const REQUESTS = {
  EnrollIn: ["EnrollFields"],
  RecognizeIn: ["RecognizeFields"],
  VerifyIn: ["VerifyPicturesFields", "VerifyPersonFields"],
  FeedbackIn: ["FeedbackFields"],
  ScanIn: ["ScanFields"],
  SwitchIn: ["SwitchFields"],
  ImportIn: ["ImportFields"],
};
// What is an argument of its own.
const ARGUMENTS = new Set(["image", "model"]);
// Files, which are no fields of the schema.
const FILES = new Set(["photos", "csv"]);

for (const [name, wanted] of Object.entries(REQUESTS)) {
  test(`${wanted.join(" or ")} has the fields that the server takes`, () => {
    const fields = Object.keys(schemas[name].properties).map((field) => field.replace(/_base64$/, ""));
    const given = new Set(wanted.flatMap((one) => Object.keys(requests[one])));
    assert.deepEqual(fields.filter((field) => !given.has(field) && !ARGUMENTS.has(field)), []);
    assert.deepEqual([...given].filter((field) => !fields.includes(field) && !FILES.has(field)), []);
  });
}

test("the declared methods are those that there are", () => {
  const there = Object.getOwnPropertyNames(rollcall.Rollcall.prototype).filter((name) => name !== "constructor");
  assert.deepEqual(methodsOf(declared("index.d.ts"), "Rollcall").sort(), there.sort());
  const helpers = there.filter((name) => !(name in ROUTES));
  assert.deepEqual(helpers.sort(), ["eachFace", "eachPerson", "waitForJob", "waitForSwitch"]);
});

test("the declared errors are those that there are", () => {
  const names = declared("errors.d.ts").statements.filter(ts.isClassDeclaration).map((node) => node.name.text);
  const there = Object.keys(rollcall).filter((name) => name.endsWith("Error"));
  assert.deepEqual(names.sort(), there.filter((name) => name !== "isRollcallError").sort());
});

const OPTIONS = {
  strict: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  types: ["node"],
};
const programPath = join(here, "typed_program.ts");
const mistakesPath = join(here, "typed_mistakes.ts");
const compiled = ts.createProgram([programPath, mistakesPath], OPTIONS);
const problems = ts.getPreEmitDiagnostics(compiled).map(({ file, start, messageText }) => ({
  file: file?.fileName,
  line: file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line,
  text: ts.flattenDiagnosticMessageText(messageText, " "),
}));

test("a strict compiler takes the types and a program, and the program runs", () => {
  assert.deepEqual(problems.filter(({ file }) => file !== mistakesPath), []);
  let script;
  compiled.emit(compiled.getSourceFile(programPath), (_, text) => { script = text; });
  const ran = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: here, encoding: "utf8", timeout: 60_000,
  });
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /healthy, and 3 faces, and no face: NO_FACE_DETECTED/);
});

test("a strict compiler finds mistakes", () => {
  const lines = readFileSync(mistakesPath, "utf8").split("\n");
  const marked = lines.flatMap((line, number) => (line.endsWith("// a mistake") ? [number] : []));
  const found = problems.filter(({ file }) => file === mistakesPath).map(({ line }) => line);
  assert.equal(marked.length, 4);
  assert.deepEqual([...new Set(found)], marked);
});
