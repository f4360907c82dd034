import { defineConfig } from "vitest/config";

declare module "vitest" {
  export interface ProvidedContext {
    baseUrl: string;
  }
}

const baseUrl = process.env.SERVER;
if (!baseUrl) throw new Error("SERVER names the server to test against");

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], provide: { baseUrl }, testTimeout: 60_000, cache: false },
});
