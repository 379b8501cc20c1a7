/** A law of the core: throws its sentence when it is broken. */
export function ensure(holds: boolean, law: string): asserts holds {
  if (!holds) throw new Error(law)
}
