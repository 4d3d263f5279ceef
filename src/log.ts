/**
 * Structured log lines: one JSON object a line, so that nothing a client sends can forge a second line.
 * Callers pass names and numbers they chose; never a body, a token, an e-mail address or a library's error message.
 */
export type LogFields = Record<string, string | number | boolean | null | undefined>

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void

/** @param standing fields that every line of this request carries, e.g. its `request_id` */
export function createLog(standing: LogFields): Log {
  return (level, message, fields = {}) => {
    // U+2028/2029 end a line for some log viewers although JSON allows them inside a string.
    const line = JSON.stringify({ level, message, ...standing, ...fields }).replace(/[\u2028\u2029]/g, ' ')
    if (level === 'error') console.error(line)
    else if (level === 'warn') console.warn(line)
    else console.info(line)
  }
}
