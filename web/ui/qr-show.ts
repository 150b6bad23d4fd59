/** A QR code as one path of unit squares. Loaded only when an invite is shown. */
import { encodeQR } from 'qr'

export type QrPath = { readonly side: number; readonly path: string }

export const qrPath = (text: string): QrPath => {
  const cells = encodeQR(text, 'raw', { ecc: 'medium', border: 2 })
  const path = cells
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('')
  return { side: cells.length, path }
}
