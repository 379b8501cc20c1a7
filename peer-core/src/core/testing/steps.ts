import fc from 'fast-check'

const kinds = [
  ...[
    'want',
    'want',
    'want',
    'window',
    'cancel',
    'position',
    'join',
    'leave',
    'policy',
    'restored',
    'drained',
  ],
  ...[
    'edgeRest',
    'edgeRest',
    'edgeData',
    'edgeData',
    'edgeDone',
    'edgeFailed',
    'edgeRefused',
    'unknownFetch',
  ],
  ...['verified', 'proven', 'proven', 'proven', 'unknownJob'],
  ...[
    'answer',
    'answer',
    'answer',
    'answer',
    'hold',
    'hold',
    'hold',
    'offer',
    'offer',
    'grow',
    'have',
    'withdraw',
  ],
  ...['list', 'hashes', 'request', 'request', 'request', 'cancelRequest', 'piece', 'reject'],
  ...['tell', 'busy', 'ping', 'pong', 'goaway', 'doubled', 'track', 'beacon', 'tick', 'tick'],
] as const

export interface Step {
  readonly kind: (typeof kinds)[number]
  /** Numbers that choose among what there is: each step reads its own meaning into them. */
  readonly a: number
  readonly b: number
  readonly c: number
  readonly waitMs: number
}

/** A viewer among viewers. */
export const prelude: readonly Step[] = [
  { kind: 'policy', a: 1, b: 1, c: 2, waitMs: 0 },
  { kind: 'window', a: 0, b: 9, c: 1, waitMs: 0 },
  { kind: 'position', a: 0, b: 400, c: 1, waitMs: 0 },
  { kind: 'join', a: 1, b: 600, c: 0, waitMs: 0 },
  { kind: 'join', a: 2, b: 600, c: 0, waitMs: 0 },
]

const number = fc.nat(999)

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    a: number,
    b: number,
    c: number,
    waitMs: fc.oneof(
      { weight: 8, arbitrary: fc.nat(30) },
      { weight: 2, arbitrary: fc.nat(900) },
      { weight: 1, arbitrary: fc.constantFrom(0.25, 3500, 40_000, 1e9) },
    ),
  }),
  { minLength: 1, maxLength: 150, size: 'max' },
)
