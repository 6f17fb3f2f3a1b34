// What a strict compiler must refuse; types.test.js checks that it refuses these lines and no others.
import { Rollcall } from "rollcall-client";

const client = new Rollcall({ baseUrl: "http://localhost:8000" });
const ada = { person_code: "S001", person_name: "Ada Lovelace", image: "ada.jpg" };
await client.enroll({ person_type: "student", ...ada });
await client.enroll({ person_type: "pupil", ...ada }); // a mistake
await client.scan("ada.jpg"); // a mistake
await client.detect(7); // a mistake
export const name: string = (await client.recognize("ada.jpg")).match.person_name; // a mistake
