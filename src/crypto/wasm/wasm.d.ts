/** What wrangler and vitest make of an imported `.wasm` file: a module that is already compiled. */
declare module '*.wasm' {
  const compiledModule: WebAssembly.Module
  export default compiledModule
}
