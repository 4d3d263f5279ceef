/** Wrangler bundles `*.txt` as text and `*.wasm` as a compiled module. */
declare module '*.txt' {
  const text: string
  export default text
}
