/** Which program this is: the version, and a fingerprint of the files it was loaded from, to compare with an announced one. */
declare const PETREL_VERSION: string

export const programVersion = typeof PETREL_VERSION === 'undefined' ? '0' : PETREL_VERSION

const metaContent = (name: string): string | undefined => {
  const content = document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content
  return content === undefined || content === '' || content.startsWith('%') ? undefined : content
}

export const programFingerprint = (): string => metaContent('petrel-fingerprint') ?? '—'

/** Files of the network module with their sizes in bytes, as the build wrote them into the page. */
export const networkFiles = (): readonly { readonly file: string; readonly bytes: number }[] =>
  (metaContent('petrel-network') ?? '')
    .split(',')
    .map(entry => entry.split(' '))
    .flatMap(([file, bytes]) =>
      file === undefined || bytes === undefined ? [] : [{ file, bytes: Number(bytes) }],
    )
