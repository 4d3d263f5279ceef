/** A QR code as an SVG: text, so that a page shows it without a request and a policy without `data:` allows it. */
import { generate } from 'lean-qr'
import { toSvgSource } from 'lean-qr/extras/svg'

export const qrSvg = (text: string): string => toSvgSource(generate(text), { xmlDeclaration: false })
