/** Reads no more of an answer than it is worth: the rest is cancelled, however much of it there is. */

/** @returns the first `maxBytes` bytes of the body, as text */
export async function readAtMost(response: Response, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const decoder = new TextDecoder()
  let [text, left] = ['', maxBytes]
  while (left > 0) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value.subarray(0, left), { stream: true })
    left -= value.length
  }
  // Not waited for: a sender that goes on sending would decide how long that takes.
  reader.cancel().catch(() => {})
  return text
}
