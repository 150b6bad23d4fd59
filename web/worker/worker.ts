/** Keeps the program of a secure page in this browser, so that a reload opens it while no node answers. A reachable node
 *  always has the word: the page is asked for there first, so that a new version is taken at the next load and another
 *  program at the same address is not hidden. What a page then asks for goes by the hash in its name and can only be of
 *  its own version. Nothing else is answered here: the node's card and all that is not a file of the build pass by.
 *
 *  A version is kept whole or not at all: each file must have the hash that the build wrote down, the page included. */
declare const self: ServiceWorkerGlobalScope

/** Written in by the build: every file of it with its hash as `integrity` wants it; the page is `./`. */
declare const PETREL_FILES: readonly (readonly [file: string, integrity: string])[]
declare const PETREL_CACHE: string

/** A node that takes longer to answer is as good as none: what was kept is there at once. */
const answerMillis = 3_000

const scope = new URL('./', self.location.href).href

const keepAll = async (): Promise<void> => {
  const cache = await caches.open(PETREL_CACHE)
  const requests = PETREL_FILES.map(([file, integrity]) => {
    // hashed files were mostly just loaded: from the browser's own cache they cost no second transfer
    const mode = file === './' ? 'no-cache' : 'default'
    return new Request(file, { integrity, cache: mode })
  })
  await cache.addAll(requests)
  await self.skipWaiting()
}

/** A page holds a lock by the name of its version's cache: the versions nobody runs any more go. */
const dropUnused = async (): Promise<void> => {
  const { held = [] } = await navigator.locks.query()
  const used = new Set([PETREL_CACHE, ...held.map(lock => lock.name)])
  const names = await caches.keys()
  await Promise.all(names.filter(name => !used.has(name)).map(name => caches.delete(name)))
}

const pause = (milliseconds: number): Promise<undefined> =>
  new Promise(resolve => setTimeout(resolve, milliseconds, undefined))

const openPage = async (request: Request): Promise<Response> => {
  const asked = fetch(request)
  const answered = asked.then(
    response => (response.status < 500 ? response : undefined),
    () => undefined,
  )
  const first = await Promise.race([answered, pause(answerMillis)])
  return first ?? (await caches.match('./', { cacheName: PETREL_CACHE })) ?? asked
}

const openFile = async (request: Request): Promise<Response> =>
  (await caches.match(request, { ignoreVary: true })) ?? fetch(request)

self.addEventListener('install', event => event.waitUntil(keepAll()))

self.addEventListener('activate', event => {
  event.waitUntil(Promise.all([self.clients.claim(), dropUnused()]))
})

self.addEventListener('fetch', event => {
  const { request } = event
  const [url = ''] = request.url.split(/[?#]/)
  if (request.method !== 'GET') return
  if (request.mode === 'navigate') {
    if (url === scope || url === `${scope}index.html`) event.respondWith(openPage(request))
  } else if (url.startsWith(`${scope}assets/`)) event.respondWith(openFile(request))
})
