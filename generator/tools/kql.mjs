// {"tables": {name: {column: type}}, "queries": [text]} -> one list of {line, message} a query.
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";

const require = createRequire(import.meta.url);
// Both put their names into the global scope; the second builds on the first.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const states = new Map();

function state(tables) {
  const key = JSON.stringify(tables);
  if (!states.has(key)) {
    const symbols = Object.entries(tables).map(([name, columns]) => {
      const list = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
      return Symbols.TableSymbol.From(`(${list.join(", ")})`).WithName(name);
    });
    states.set(key, GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", symbols)));
  }
  return states.get(key);
}

function look(query, globals) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  const faults = [];
  for (let place = 0; place < found.Count; place++) {
    const { Start, Severity, Message } = found.getItem(place);
    if (Severity === "Suggestion" || Severity === "Hidden") continue;
    faults.push({ line: query.slice(0, Start).split("\n").length, message: Message });
  }
  return faults;
}

await serve(({ tables, queries }) => {
  const globals = state(tables);
  return queries.map((query) => look(query, globals));
});
