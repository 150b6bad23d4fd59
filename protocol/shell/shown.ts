/** What was last shown, by key: while steps wait for their rows to become durable, the world goes on seeing the view from before
 *  them, because nothing is shown that a crash could still take back. */

export type Shown<Key, View> = (
  key: Key,
  /** Steps were taken whose rows are not durable yet. */
  isUnsettled: boolean,
  look: () => View | undefined,
) => View | undefined

/** Remembers the views of the `most` keys looked at last. */
export const createShown = <Key, View>(most: number): Shown<Key, View> => {
  const views = new Map<Key, View>()
  return (key, isUnsettled, look) => {
    const shown = views.get(key)
    if (isUnsettled && shown !== undefined) return shown
    const view = look()
    views.delete(key)
    if (view !== undefined) views.set(key, view)
    for (const oldest of views.keys()) {
      if (views.size <= most) break
      views.delete(oldest)
    }
    return view
  }
}
