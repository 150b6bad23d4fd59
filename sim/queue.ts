/** What happens next in virtual time: a binary heap ordered by (time, order of insertion), so that ties never depend on
 *  anything but the run itself. */
export type Queue<T> = {
  readonly push: (at: number, item: T) => void
  readonly pop: () => T | undefined
  /** Time of the next item. */
  readonly next: () => number | undefined
}

type Entry<T> = { readonly at: number; readonly order: number; readonly item: T }

export const createQueue = <T>(): Queue<T> => {
  const heap: Entry<T>[] = []
  let inserted = 0
  const isBefore = (a: Entry<T>, b: Entry<T>): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order)
  const swap = (i: number, j: number): void => {
    const [a, b] = [heap[i], heap[j]]
    if (a === undefined || b === undefined) return
    heap[i] = b
    heap[j] = a
  }
  const rise = (start: number): void => {
    for (let child = start; child > 0;) {
      const parent = (child - 1) >> 1
      const [a, b] = [heap[child], heap[parent]]
      if (a === undefined || b === undefined || !isBefore(a, b)) return
      swap(child, parent)
      child = parent
    }
  }
  const sink = (): void => {
    for (let parent = 0; ;) {
      let least = parent
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        const [a, b] = [heap[child], heap[least]]
        if (a !== undefined && b !== undefined && isBefore(a, b)) least = child
      }
      if (least === parent) return
      swap(parent, least)
      parent = least
    }
  }
  return {
    push: (at, item) => {
      heap.push({ at, order: inserted++, item })
      rise(heap.length - 1)
    },
    pop: () => {
      const first = heap[0]
      const last = heap.pop()
      if (first === undefined || last === undefined) return undefined
      if (heap.length > 0) {
        heap[0] = last
        sink()
      }
      return first.item
    },
    next: () => heap[0]?.at,
  }
}
