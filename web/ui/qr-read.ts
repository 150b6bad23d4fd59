/** A QR code in a photo, read on this device. Loaded only when somebody chooses a photo. */
import { decodeQR } from 'qr/decode.js'

/** Large photos are scaled down: the code is big in the picture, and a phone has little memory. */
const sidePixelsMax = 1_600

export const readQr = async (file: Blob): Promise<string | undefined> => {
  try {
    const picture = await createImageBitmap(file)
    const scale = Math.min(1, sidePixelsMax / Math.max(picture.width, picture.height))
    const width = Math.max(1, Math.round(picture.width * scale))
    const height = Math.max(1, Math.round(picture.height * scale))
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    const context = canvas.getContext('2d', { willReadFrequently: true })
    if (context === null) return undefined
    context.drawImage(picture, 0, 0, width, height)
    picture.close()
    const { data } = context.getImageData(0, 0, width, height)
    return decodeQR({ width, height, data })
  } catch {
    return undefined
  }
}
