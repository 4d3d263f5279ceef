/**
 * An answer that is written as it is taken: nothing more is read than the caller takes, and nothing once they have gone. A
 * failure in the middle cuts the connection: what is there must not look like all there is.
 */

export type StreamEnd = {
  /** Everything was written. */
  done?(): void
  /** The caller went. */
  left?(): void
  /** Something failed; the caller sees a broken connection. */
  cut(error: unknown): void
}

/** Nothing is read before the body is pulled; a HEAD request never pulls it. */
export function streamText(chunks: AsyncGenerator<string>, end: StreamEnd): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let isGone = false
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const { value, done } = await chunks.next()
      if (isGone) return
      if (!done) return controller.enqueue(encoder.encode(value))
      end.done?.()
      controller.close()
    } catch (error) {
      end.cut(error)
      controller.error(new Error('the answer could not be completed'))
    }
  }
  const cancel = async () => {
    isGone = true
    end.left?.()
    await chunks.return(undefined)
  }
  return new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
}
