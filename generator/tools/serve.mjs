// One JSON text a line in, one a line out, until standard input closes.
import { createInterface } from "node:readline";

// Libraries that chatter must not disturb the answers.
console.log = console.info = console.debug = console.warn = console.error;

/** Answer each request with what `handle` returns, or with its error. */
export async function serve(handle) {
  for await (const line of createInterface({ input: process.stdin })) {
    let reply;
    try {
      reply = { answer: await handle(JSON.parse(line)) };
    } catch (error) {
      reply = { error: String(error?.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
