/** The symbols of the screens: 24 px, drawn with the text's colour, always beside a word or with a label on their button. */

const paths = {
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2',
  carried: 'M3 12h11M10 7l5 5-5 5M20 4v16',
  delivered: 'M2 13l4 4L15 7M11 16l1.5 1.5L22 7',
  displayed:
    'M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  expired: 'M12 4 2.5 20h19zM12 10v5M12 17.6v.2',
  refused: 'M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8zM8 12h8',
  waiting: 'M6 3h12M6 21h12M7 3c0 5 4 6 5 9-1 3-5 4-5 9M17 3c0 5-4 6-5 9 1 3 5 4 5 9',
  chats: 'M4 5h16v11H9l-5 4z',
  mesh: 'M12 4.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM5 15.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM19 15.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM11 8.3 6 15.6M13 8.3l5 7.3M7 17.5h10',
  me: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 20c1-4 4-5.5 8-5.5s7 1.5 8 5.5',
  back: 'M15 5l-7 7 7 7',
  forward: 'M9 5l7 7-7 7',
  close: 'M5 5l14 14M19 5L5 19',
  send: 'M4 12h15M13 6l6 6-6 6',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.4v.2',
  plus: 'M12 5v14M5 12h14',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4',
  pin: 'M9 3h6l-1 7 4 4H6l4-4zM12 14v7',
  key: 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M17 6l3 3',
  down: 'M12 4v15M6 13l6 6 6-6',
  reply: 'M10 6 4 12l6 6M4 12h9c4 0 7 2 7 6',
  camera: 'M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z',
  people:
    'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM2.5 19c.7-3.4 3.2-5 6.5-5s5.8 1.6 6.5 5M16 5.5a3 3 0 0 1 0 6M18 14.3c2 .7 3.2 2.3 3.6 4.7',
  online: 'M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12z',
} as const

export type IconName = keyof typeof paths

export const Icon = ({ name, filled = false }: { name: IconName; filled?: boolean }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" data-filled={filled}>
    <path d={paths[name]} />
  </svg>
)
