/** The words that every screen and the terminal share, in Chinese: the source catalogue. Each sentence says what happened,
 *  what is safe and what to do; no word is stronger than the signatures behind it (research/ux.md 5.3 and 5.5). */
import type { RefusalType } from '../../core/refusal.ts'

/** What happened, what is safe, what to do. */
export type RefusalWords = {
  readonly what: string
  readonly safe: string
  readonly next: string
}

const nothingLost = '本机已有的消息都在'
const nothingJoined = '没有加入任何群，本机内容不变'
const draftKept = '你写的内容仍在输入处'
const othersUnaffected = '其他消息不受影响'
const askNewInvite = '请邀请人重新发一个邀请'

const refusals: Readonly<Record<RefusalType, RefusalWords>> = {
  malformed: {
    what: '收到的数据格式不对',
    safe: othersUnaffected,
    next: '如反复出现，请对方更新程序',
  },
  'too-large': {
    what: '收到的数据超过上限',
    safe: othersUnaffected,
    next: '请对方分成几条再发',
  },
  'too-deep': {
    what: '收到的数据嵌套过深',
    safe: othersUnaffected,
    next: '如反复出现，请对方更新程序',
  },
  'non-canonical': {
    what: '收到的数据不是规定的写法',
    safe: othersUnaffected,
    next: '如反复出现，请对方更新程序',
  },
  unsupported: {
    what: '收到的内容来自更新的版本',
    safe: '内容已保存并继续转交',
    next: '更新本机程序后即可显示',
  },
  'bad-signature': {
    what: '一条消息的签名无效，没有显示',
    safe: othersUnaffected,
    next: '如反复出现，请告知群管理员',
  },
  'bad-context': {
    what: '一条消息被放到了不属于它的地方，没有显示',
    safe: othersUnaffected,
    next: '如反复出现，请告知群管理员',
  },
  'author-unknown': {
    what: '还不认识这条消息的作者',
    safe: '消息已留存，等待核对',
    next: '已向邻近节点询问，无需操作',
  },
  'group-unknown': {
    what: '本机没有这个群',
    safe: nothingLost,
    next: '请用邀请加入，或核对群名',
  },
  equivocation: {
    what: '同一作者在同一位置写了两条不同的消息',
    safe: '两条的证据都已保存',
    next: '请向该作者核实设备是否被复制',
  },
  frozen: {
    what: '该作者的记录因自相矛盾而停用',
    safe: '停用前的消息都在',
    next: '请该作者用新设备重新加入',
  },
  'over-quota': {
    what: '代存空间的份额已满',
    safe: nothingLost,
    next: '稍后会自动再试',
  },
  'bad-update': {
    what: '一处对群资料的修改不合规则，没有采用',
    safe: '群资料保持原样',
    next: '如反复出现，请告知群管理员',
  },
  unexpected: {
    what: '收到了此时不该出现的数据',
    safe: othersUnaffected,
    next: '无需操作；反复出现时连接会暂时断开',
  },
  'invite-damaged': {
    what: '邀请不完整或有错字',
    safe: nothingJoined,
    next: '请复制整个链接再试，或改用扫码',
  },
  'invite-newer-version': {
    what: '邀请来自更新的版本',
    safe: nothingJoined,
    next: '更新本机程序后再打开',
  },
  'invite-expired': {
    what: '邀请已过有效期',
    safe: nothingJoined,
    next: `${askNewInvite}；同时核对本机时间`,
  },
  'invite-used': {
    what: '邀请的次数已用完',
    safe: nothingJoined,
    next: askNewInvite,
  },
  'invite-revoked': {
    what: '邀请已被收回',
    safe: nothingJoined,
    next: '请向邀请人核实',
  },
  'invite-unknown': {
    what: '群里没有这份邀请的记录',
    safe: nothingJoined,
    next: askNewInvite,
  },
  'already-member': {
    what: '你已在此群',
    safe: nothingLost,
    next: '直接打开这个群即可',
  },
  'not-authorised': {
    what: '你在此群没有这项权限',
    safe: nothingLost,
    next: '请群管理员代为操作',
  },
  'not-found': {
    what: '没有找到',
    safe: nothingLost,
    next: '请核对名称或编号',
  },
  'not-member': {
    what: '你不在此群',
    safe: draftKept,
    next: '请群管理员重新邀请',
  },
  'waiting-for-admission': {
    what: '还在等待入群',
    safe: '已写的内容存在本机，入群后自动发送',
    next: '请保持与群内任一节点的连接',
  },
  'text-empty': {
    what: '没有可发送的内容',
    safe: nothingLost,
    next: '写点什么再发送',
  },
  'text-too-long': {
    what: '内容太长',
    safe: draftKept,
    next: '请分成几条发送',
  },
  'name-invalid': {
    what: '名称不可用',
    safe: draftKept,
    next: '用 1 到 64 个字，不含控制字符',
  },
  'storage-failed': {
    what: '写不进本机存储',
    safe: '已保存的消息都在，可以继续阅读',
    next: '腾出磁盘空间后会自动继续',
  },
  locked: {
    what: '本机已锁定',
    safe: nothingLost,
    next: '先解锁再操作',
  },
  stopped: {
    what: '本机节点已停止',
    safe: '已保存的消息都在',
    next: '重新启动后再试',
  },
}

export const zhCN = {
  lang: 'zh-CN',
  appName: '海燕',
  errorLabel: '错误',
  safeLabel: '已保留',
  nextLabel: '可以试',
  refusals,
  /** `short` fits a chip beside a message; `long` says what follows. n = how many, m = recipients when it was sent. */
  ledger: {
    waiting: { short: '待入群', long: '仅在本机，入群后自动发送' },
    held: { short: '仅在本机', long: '仅在本机，连上任一节点后自动发送' },
    carried: {
      short: (nodes: number): string => `已交给 ${nodes} 个节点`,
      long: (nodes: number): string => `已交给 ${nodes} 个节点，等待送达`,
    },
    delivered: (n: number, m: number): string => `已送达 ${n}/${m}`,
    displayed: (n: number, m: number): string => `已读 ${n}/${m}`,
    expired: {
      short: (missing: number): string => `未送达 ${missing} 人`,
      long: (missing: number): string => `未送达 ${missing} 人，已过有效期`,
    },
    refused: { short: '被拒绝', long: '被拒绝，没有发出' },
  },
  net: {
    starting: (percent: number, seconds: number): string =>
      `正在启动通信模块 ${percent}%（约 ${seconds} 秒）`,
    alone: (waiting: number): string =>
      waiting === 0
        ? '离线。可以继续写，连上后自动发送'
        : `离线 · 待发 ${waiting}。可以继续写，连上后自动发送`,
    relayOnly: '已连中继，暂无其他节点',
    syncing: (left: number, seconds: number | undefined): string =>
      seconds === undefined ? `正在补齐 ${left} 条` : `正在补齐 ${left} 条（约 ${seconds} 秒）`,
    ok: (nodes: number, waiting: number): string =>
      waiting === 0 ? `在线 · ${nodes} 个节点` : `在线 · ${nodes} 个节点 · 待发 ${waiting}`,
    weak: (roundTrip: number): string => `弱网 · 仅文字 · ${Math.round(roundTrip)} 毫秒`,
    split: (people: number): string => `网络中断为两部分 · ${people} 人暂不可达`,
    quality: { good: '好', fair: '一般', poor: '差', down: '中断' },
    linkKind: { direct: '直连', relayed: '经中继' },
  },
  storageFailing: '存储写入失败：可以阅读，暂不能发送。请腾出磁盘空间',
  priority: { flash: '特急', urgent: '加急', routine: '普通', bulk: '批量' },
  groupKind: { emergency: '应急', special: '专项', temporary: '临时', daily: '日常' },
  groupState: {
    member: '已入群',
    'waiting-for-admission': '等待入群',
    refused: '未能入群',
    left: '已退出',
  },
  role: { owner: '群主', admin: '管理员', member: '成员', observer: '观察员', records: '留痕' },
  reachable: { direct: '直连', carried: '可代交', unknown: '暂不可达' },
  page: { front: '正在看', background: '在后台', none: '未打开', unknown: '未知' },
  availability: {
    available: '可回复',
    busy: '忙碌',
    field: '外勤',
    'do-not-disturb': '勿扰',
    unknown: '未说明',
  },
  message: {
    waitingForKey: '暂时打不开：缺少本期密钥，已请求',
    needsNewerVersion: '来自更新的版本，更新程序后可见',
    disputed: '有争议：作者在同一位置写了两条',
    clockSuspect: '对方时间可能不准',
    late: '迟到',
    lateArrivals: (count: number): string => `${count} 条较早的消息刚刚送达`,
    gap: (count: number): string => `还差 ${count} 条，连上其他节点后补齐`,
    pinned: '置顶',
  },
  people: (count: number): string => `${count} 人`,
  nodes: (count: number): string => `${count} 个节点`,
  items: (count: number): string => `${count} 条`,
  seconds: (count: number): string => `${count} 秒`,
  minutes: (count: number): string => `${count} 分钟`,
  hours: (count: number): string => `${count} 小时`,
  days: (count: number): string => `${count} 天`,
}

export type Messages = typeof zhCN
