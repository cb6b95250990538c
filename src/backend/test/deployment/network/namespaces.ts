// Network namespaces that are hosts of one network of their own: each with its own address, interface, firewall and names, all at one switch.
// Nothing of it is seen outside: no interface, address or rule of the machine's own changes, and no packet leaves.
//
// `ip` and `iptables` make them, as root. They are gone with the process that made them, whatever becomes of it.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { isAlive } from '../../../database/process-identity.ts'
import { foundOrInstalled, howToInstall, onPath } from '../../debian-package.ts'

const run = promisify(execFile)

/** Why there can be no namespaces here, with what to type; null: there can. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root'
  const packages = { ip: 'iproute2', 'iptables-restore': 'iptables' }
  for (const [program, name] of Object.entries(packages)) {
    if (!foundOrInstalled(name, () => onPath(program) !== null)) return `there is no ${program}: ${howToInstall(name)}`
  }
  // A container may be root and still not be allowed to.
  const tried = spawnSync('ip', ['netns', 'add', `${PREFIX}${process.pid}-try`], { encoding: 'utf8' })
  spawnSync('ip', ['netns', 'delete', `${PREFIX}${process.pid}-try`])
  return tried.status === 0 ? null : `network namespaces are not allowed here: ${tried.stderr.trim()}`
}

const PREFIX = 'borrow-rate-'
const FOLDER = '/run/netns'
const NAMES_FOLDER = '/etc/netns'
const OWNED = new RegExp(`^${PREFIX}(\\d+)-`)

export interface Host {
  readonly name: string
  readonly address: string
}

export interface Network {
  /** The words before a command that is to run on a host. */
  on(host: string): [program: string, ...words: string[]]
  /** Puts another firewall in place of the one that is there, at once. */
  firewall(host: string, rules: string): Promise<void>
  /** Takes the way from one host to another away, so that nothing comes back either. */
  cut(from: string, to: string): Promise<void>
  heal(from: string, to: string): Promise<void>
  remove(): Promise<void>
}

let made = 0

/** @param names that hosts are found under, beside their own: `{ database: 'db.internal' }` */
export async function makeNetwork(
  hosts: readonly Host[],
  names: Readonly<Record<string, readonly string[]>> = {},
): Promise<Network> {
  await clearLeftOvers()
  made += 1
  const prefix = `${PREFIX}${process.pid}-${made}-`
  const switchName = `${prefix}switch`
  const places = new Map(hosts.map(({ name }, at) => [name, `${prefix}${at}`]))
  const addresses = new Map(hosts.map(({ name, address }) => [name, address]))
  const placeOf = (host: string) => known(places, host)
  const addressOf = (host: string) => known(addresses, host)
  const clearer = startClearer([...places.values(), switchName])
  const remove = () => cleared(clearer)
  try {
    await ip([`netns add ${switchName}`, ...[...places.values()].map((place) => `netns add ${place}`)])
    await ip(['link add switch type bridge', 'link set switch up'], switchName)
    // Made in the switch's namespace, so that no interface is ever seen on the machine.
    await ip(
      [...places.values()].flatMap((place, at) => [
        `link add v${at} type veth peer name eth0 netns ${place}`,
        `link set v${at} master switch up`,
      ]),
      switchName,
    )
    const hostsFile = ['127.0.0.1 localhost', ...hosts.map((host) => lineOf(host, names[host.name] ?? []))].join('\n')
    await Promise.all(
      hosts.map(async ({ name, address }, at) => {
        const place = placeOf(name)
        mkdirSync(`${NAMES_FOLDER}/${place}`, { recursive: true })
        writeFileSync(`${NAMES_FOLDER}/${place}/hosts`, `${hostsFile}\n`)
        // Every address is a neighbour: there are no routers whose rules would have to be known. Neighbours are told rather than
        // found: all namespaces share the kernel's one table of those that were, and it is small.
        const words = [
          'link set lo up',
          `link set eth0 address ${hardwareAddress(at)}`,
          `addr add ${address}/32 dev eth0`,
          'link set eth0 up',
          'route add default dev eth0',
          ...hosts.flatMap((other, number) =>
            number === at
              ? []
              : [`neigh replace ${other.address} lladdr ${hardwareAddress(number)} dev eth0 nud permanent`],
          ),
        ]
        await ip(words, place)
      }),
    )
  } catch (error) {
    await remove()
    throw error
  }
  return {
    on: (host) => ['ip', 'netns', 'exec', placeOf(host)],
    async firewall(host, rules) {
      const restoring = run('ip', ['netns', 'exec', placeOf(host), 'iptables-restore'])
      restoring.child.stdin?.end(rules)
      await restoring
    },
    cut: (from, to) => ip([`route add blackhole ${addressOf(to)}/32`], placeOf(from)),
    heal: (from, to) => ip([`route delete blackhole ${addressOf(to)}/32`], placeOf(from)),
    remove,
  }
}

/** One of those that anybody may give, for at most 65,536 hosts. */
function hardwareAddress(number: number): string {
  const digits = number.toString(16).padStart(4, '0')
  return `02:00:00:00:${digits.slice(0, 2)}:${digits.slice(2)}`
}

function lineOf({ name, address }: Host, more: readonly string[]): string {
  return [address, name.replaceAll(' ', '-'), ...more].join(' ')
}

function known(of: ReadonlyMap<string, string>, host: string): string {
  const found = of.get(host)
  if (found === undefined) throw new Error(`there is no host ${host}`)
  return found
}

/** Commands of `ip`, one a line. */
async function ip(lines: readonly string[], place?: string): Promise<void> {
  const working = run('ip', [...(place === undefined ? [] : ['-n', place]), '-batch', '-'])
  working.child.stdin?.end(`${lines.join('\n')}\n`)
  await working
}

/** Deletes its arguments once nobody holds its input any more: after `cleared`, or when this process is gone. */
const CLEAR = `trap '' INT TERM HUP
cat >/dev/null
for place in "$@"; do
  ip netns delete "$place"
  rm -rf "${NAMES_FOLDER}/$place"
done`

function startClearer(places: readonly string[]): ChildProcess {
  // In a process group of its own, where no Ctrl-C reaches it.
  return spawn('sh', ['-c', CLEAR, 'sh', ...places], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
}

function cleared(clearer: ChildProcess): Promise<void> {
  if (clearer.exitCode !== null) return Promise.resolve()
  return new Promise((done) => {
    clearer.once('exit', () => done())
    clearer.stdin?.end()
  })
}

/** Those of processes that are gone, whose clearer is gone too. */
async function clearLeftOvers(): Promise<void> {
  const all = [FOLDER, NAMES_FOLDER].flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
  const abandoned = all.filter((place) => {
    const owner = OWNED.exec(place)?.[1]
    return owner !== undefined && !isAlive(Number(owner))
  })
  if (abandoned.length > 0) await cleared(startClearer([...new Set(abandoned)]))
}
