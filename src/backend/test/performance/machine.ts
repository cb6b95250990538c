// What the figures were measured on: a number without its machine says nothing.
import os from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory_gib: number
  readonly platform: string
  readonly node: string
}

export function machine(): Machine {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    node: process.version,
  }
}
