// {"schema": path, "files": [{"path", "text"}]} -> one list of {line, message} a file.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";

const require = createRequire(import.meta.url);
const service = require("azure-pipelines-language-service");
const { TextDocument } = require("vscode-languageserver-textdocument");
let language;

function start(schema) {
  const content = service.ParseSchema(readFileSync(schema, "utf8"));
  const context = { resolveRelativePath: (relative, base) => new URL(relative, base).href };
  const found = service.getLanguageService(async () => content, [], async () => "schema:azure-pipelines", context);
  found.configure({ validate: true });
  return found;
}

await serve(async ({ schema, files }) => {
  language ??= start(schema);
  const answers = [];
  for (const { path, text } of files) {
    const document = TextDocument.create(`file:///${path}`, "azure-pipelines", 1, text);
    const found = await language.doValidation(document, service.parse(text));
    answers.push(found.map(({ range, message }) => ({ line: range.start.line + 1, message })));
  }
  return answers;
});
