/**
 * JSON Schemas for editors, from the schema that the program parses with: `npm run schema` writes stacks/site.schema.json.
 * A stack file points to it with `# yaml-language-server: $schema=site.schema.json`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { sections } from "./schema.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

export const schemaFile = join(import.meta.dirname, "../../stacks/site.schema.json");

/** The whole text of the schema file. */
export function renderJsonSchema(): string {
  const { $schema, ...site } = z.toJSONSchema(z.strictObject(sections), { io: "input", override: dropRequired });
  const stackFile = {
    $schema,
    title: "Stack file of a Tandem site",
    type: "object",
    properties: {
      config: { type: "object", properties: { "tandem:site": { $ref: "#/$defs/site" } } },
    },
    $defs: { site },
  };
  return `${JSON.stringify(stackFile, undefined, 2)}\n`;
}

/**
 * What a file leaves out may stand in the environment's file or in the site's, so an editor must not miss it. Maps in lists are whole:
 * lists are not merged.
 */
function dropRequired({ jsonSchema, path }: { jsonSchema: JsonSchema; path: (string | number)[] }): void {
  if (!path.includes("items")) delete jsonSchema.required;
}

if (import.meta.main) writeFileSync(schemaFile, renderJsonSchema());
