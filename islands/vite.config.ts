import { defineConfig } from "vite";

// Fixed names: every file is served under the digest of all of static/. React is a chunk of its own for both islands.
export default defineConfig({
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      input: { cart: "cart/index.tsx", checkout: "checkout/index.tsx" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        codeSplitting: { groups: [{ name: "react", test: /node_modules|[\\/]shared[\\/]/ }] },
      },
    },
  },
});
