// Drives one MCP server with an official TypeScript client and prints what it saw as one JSON object.
//
// node drive.mjs '{"client":"v1"|"v2","mode":"legacy"|"auto","transport":"http"|"sse"|"stdio",
//                  "url":"…","command":"…","args":[…],"env":{…},"word":"…"}'
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const plan = JSON.parse(process.argv[2]);
// The packages are installed in a cache folder and not beside this file.
const resolver = createRequire(`${plan.packages}/package.json`);
const load = (name) => import(pathToFileURL(resolver.resolve(name)).href);

async function classes() {
  if (plan.client === "v2") {
    const main = await load("@modelcontextprotocol/client");
    const stdio = await load("@modelcontextprotocol/client/stdio");
    return { ...main, ...stdio };
  }
  const parts = await Promise.all(
    ["index", "streamableHttp", "sse", "stdio"].map((part) => load(`@modelcontextprotocol/sdk/client/${part}.js`)),
  );
  return Object.assign({}, ...parts);
}

function transport(kit) {
  if (plan.transport === "stdio")
    return new kit.StdioClientTransport({ command: plan.command, args: plan.args, env: plan.env, stderr: "inherit" });
  if (plan.transport === "sse") return new kit.SSEClientTransport(new URL(plan.url));
  return new kit.StreamableHTTPClientTransport(new URL(plan.url));
}

const kit = await classes();
const options = plan.client === "v2" ? { versionNegotiation: { mode: plan.mode } } : {};
const client = new kit.Client({ name: "conformance", version: "1.0.0" }, options);
await client.connect(transport(kit));
const call = (name, args) => client.callTool({ name, arguments: args });

const tools = await client.listTools(); // also compiles every output schema, so that answers are checked below
const stored = await call("create_long_term_memories", { memories: [{ text: `The word is ${plan.word}` }] });
const found = await call("search_long_term_memory", { text: plan.word, search_mode: "keyword" });
const appended = await call("append_working_memory_messages", {
  session_id: `s-${plan.word}`,
  messages: [{ role: "user", content: "Hello" }],
});
const session = await call("get_working_memory", { session_id: `s-${plan.word}` });
const prompted = await call("memory_prompt", { query: plan.word });
const clock = await call("get_current_datetime", {});
const mistaken = await call("search_long_term_memory", { text: "x", limit: 1000 });
const prompts = await client.listPrompts();
const prompt = await client.getPrompt({ name: "recall", arguments: { question: plan.word } });
const resources = await client.listResources();
const guide = await client.readResource({ uri: "memory://guide" });

console.log(
  JSON.stringify({
    server: client.getServerVersion(),
    tools: tools.tools.map((tool) => tool.name),
    stored: stored.structuredContent,
    texts: found.structuredContent.memories.map((memory) => memory.text),
    namespaces: found.structuredContent.memories.map((memory) => memory.namespace),
    appended: appended.structuredContent.message_count,
    messages: session.structuredContent.messages.map((message) => message.content),
    prompted: prompted.structuredContent.messages.length,
    clock: clock.structuredContent.unix_ts,
    mistaken: { isError: mistaken.isError, text: mistaken.content[0].text },
    prompts: prompts.prompts.map((one) => one.name),
    prompt: prompt.messages.at(-1).content.text,
    resources: resources.resources.map((one) => one.uri),
    guide: guide.contents[0].text.length,
  }),
);
await client.close();
