/** What workerd adds to Web APIs, where Node-side code reaches src/ by type alone; the code itself runs in workerd. */
import 'node:crypto'

declare module 'node:crypto' {
  namespace webcrypto {
    interface SubtleCrypto {
      timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean
    }
  }
}
