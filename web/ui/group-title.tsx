/** A group's name; a group whose first operations are still on their way has none yet. */
import { Name } from './parts.tsx'
import { ui } from './i18n/index.ts'
import type { GroupSummary } from '#protocol'

export const GroupTitle = ({ summary }: { summary: GroupSummary }) =>
  summary.title === '' ? <>{ui.value.groups.unnamed}</> : <Name text={summary.title} />
