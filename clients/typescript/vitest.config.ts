import { defineConfig } from "vitest/config";

declare module "vitest" {
  export interface ProvidedContext {
    baseUrl: string;
  }
}

const baseUrl = process.env.AGENT_MEMORY_URL;
if (!baseUrl) throw new Error("AGENT_MEMORY_URL names the server to test against");

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], provide: { baseUrl }, testTimeout: 60_000, cache: false },
});
