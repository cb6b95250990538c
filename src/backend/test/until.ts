// For what happens by itself, sooner or later.

/** Waits until a condition holds, looking ten times a second. */
export async function until(what: string, msMax: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + msMax
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error(`waited ${msMax} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
