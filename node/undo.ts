/** What was opened is closed again, last first, and all of it: a step that fails keeps none of the others from happening. */

export type Undo = () => Promise<void> | void

/** The first failure is told at the end. */
export const undoAll = async (steps: readonly Undo[]): Promise<void> => {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (reason) {
      failures.push(reason)
    }
  }
  if (failures.length > 0) throw failures[0]
}
