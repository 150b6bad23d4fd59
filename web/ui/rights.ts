/** What this device may do in a group, as the members' list says; whoever may not is not offered it. */
import type { GroupView } from '#protocol'

/** The core lets owners and admins invite. */
export const mayInvite = (view: GroupView | undefined): boolean => {
  const role = view?.members.find(member => member.me)?.role
  return view?.summary.state === 'member' && (role === 'owner' || role === 'admin')
}
