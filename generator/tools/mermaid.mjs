// {"diagrams": [text]} -> one message a diagram, empty when it parses. Mermaid wants a page; jsdom is enough to parse.
import { JSDOM } from "jsdom";
import { serve } from "./serve.mjs";

const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });

await serve(async ({ diagrams }) => {
  const answers = [];
  for (const text of diagrams) {
    try {
      await mermaid.parse(text);
      answers.push("");
    } catch (error) {
      answers.push(String(error?.message ?? error));
    }
  }
  return answers;
});
