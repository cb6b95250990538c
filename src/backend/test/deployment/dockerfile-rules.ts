// What every Dockerfile of ours keeps to, read from its text: Docker itself is not needed.

interface Instruction {
  readonly word: string
  /** Everything after the word, on one line. */
  readonly text: string
}

interface Stage {
  /** The image it begins with, with the defaults of arguments put in. */
  readonly image: string
  readonly name: string | null
  /** The image is an argument, so that a release can pin it by digest. */
  readonly isArgument: boolean
  readonly instructions: readonly Instruction[]
}

export interface Dockerfile {
  /** The arguments before the first stage. */
  readonly args: Readonly<Record<string, string>>
  readonly stages: readonly Stage[]
}

const LABELS = ['title', 'description', 'version', 'revision', 'created', 'source'].map(
  (name) => `org.opencontainers.image.${name}`,
)
const SECRET = /SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|_KEY\b|API_?KEY/i
/** They differ with each build: what stands after them is made anew each time. */
const OF_EACH_BUILD = /^(VERSION|REVISION|CREATED)\b/
const MAKES_A_LAYER = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR'])

export function readDockerfile(text: string): Dockerfile {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
  const instructions = lines.flatMap((line): Instruction[] => {
    const read = /^([A-Z]+)\s+(.*)$/.exec(line.trim())
    return read === null ? [] : [{ word: read[1]!, text: read[2]!.trim() }]
  })
  const args: Record<string, string> = {}
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const instruction of instructions) {
    if (instruction.word === 'FROM') {
      const [image = '', , name = null] = instruction.text.replace(/--platform=\S+\s+/, '').split(/\s+/)
      const resolved = image.replace(/\$\{?(\w+)\}?/g, (_, argument: string) => args[argument] ?? '')
      stages.push({ image: resolved, name, isArgument: image.startsWith('$'), instructions: [] })
    } else if (stages.length > 0) stages.at(-1)?.instructions.push(instruction)
    else if (instruction.word === 'ARG') {
      const [name = '', value = ''] = instruction.text.split('=', 2)
      args[name] = value
    }
  }
  return { args, stages }
}

/** Sentences; none when the file keeps to all rules. */
export function dockerfileFaults(text: string): string[] {
  const { stages } = readDockerfile(text)
  const last = stages.at(-1)
  if (last === undefined) return ['no FROM']
  return [
    ...stages.flatMap((stage) => baseFaults(stage, stages)),
    ...stages.flatMap(({ instructions }) => instructionFaults(instructions)),
    ...npmFaults(stages),
    ...finalFaults(last),
  ]
}

function baseFaults({ image, isArgument }: Stage, stages: readonly Stage[]): string[] {
  if (stages.some(({ name }) => name === image)) return []
  const tag = /:([^:/@]+)(@sha256:[0-9a-f]{64})?$/.exec(image)?.[1]
  return [
    ...(tag === undefined ? [`${image} has no tag`] : []),
    ...(tag === 'latest' ? [`${image} may be another one tomorrow`] : []),
    ...(isArgument ? [] : [`${image} cannot be pinned by digest: it is no argument`]),
  ]
}

function instructionFaults(instructions: readonly Instruction[]): string[] {
  return instructions.flatMap(({ word, text }) => {
    if (word === 'ADD') return [`ADD fetches and unpacks; COPY copies: ADD ${text}`]
    if ((word === 'ARG' || word === 'ENV') && namesOf(text).some((name) => SECRET.test(name))) {
      return [`a secret in ${word} stays in the image's history: ${namesOf(text).join(', ')}`]
    }
    if (word === 'RUN' && /apt-get install/.test(text) && !text.includes('--no-install-recommends')) {
      return ['apt-get install without --no-install-recommends']
    }
    if (word === 'RUN' && /apt-get install/.test(text) && !text.includes('apt-get update')) {
      return ['apt-get install on a list of packages that another layer fetched, some day']
    }
    if (word === 'RUN' && /\bcurl\b.*\|\s*(ba)?sh/.test(text)) return ['a script from the network is run unseen']
    if ((word === 'ENTRYPOINT' || (word === 'CMD' && !text.startsWith('curl'))) && !text.startsWith('[')) {
      return [`${word} in a shell's form: no signal reaches the program`]
    }
    return []
  })
}

/** Packages from the lock file alone, before any source, and only those that production needs in the end. */
function npmFaults(stages: readonly Stage[]): string[] {
  const all = stages.flatMap(({ instructions }) => instructions)
  const runsNpm = all.some(({ word, text }) => word === 'RUN' && /\bnpm (ci|install|i)\b/.test(text))
  if (!runsNpm) return []
  const at = (word: string, text: RegExp) => all.findIndex((one) => one.word === word && text.test(one.text))
  const [lock, install, sources] = [at('COPY', /package-lock\.json/), at('RUN', /\bnpm ci\b/), at('COPY', /^\. /)]
  return [
    ...(install === -1 ? ['npm install takes what is new, npm ci what the lock file says'] : []),
    ...(lock === -1 || lock > install ? ['the lock file is not copied before packages are installed'] : []),
    ...(sources !== -1 && sources < install ? ['with each change of a source all packages are installed again'] : []),
    ...(all.some(({ text }) => /--omit=dev/.test(text)) ? [] : ['packages that only development needs stay']),
  ]
}

function finalFaults({ instructions }: Stage): string[] {
  const lastOf = (word: string) => instructions.findLast((one) => one.word === word)?.text
  const [user, health, entrypoint] = [lastOf('USER'), lastOf('HEALTHCHECK'), lastOf('ENTRYPOINT')]
  const labels = instructions.filter(({ word }) => word === 'LABEL').map(({ text }) => text)
  const userAt = instructions.findLastIndex(({ word }) => word === 'USER')
  const changing = instructions.findIndex(({ word, text }) => word === 'ARG' && OF_EACH_BUILD.test(text))
  return [
    ...(user === undefined ? ['it runs as root: no USER'] : []),
    ...(user !== undefined && !/^[1-9]\d*:[1-9]\d*$/.test(user)
      ? [`USER ${user} is no number above 0: nobody can see that it is not root`]
      : []),
    ...(instructions.slice(userAt + 1).some(({ word }) => MAKES_A_LAYER.has(word) && userAt !== -1)
      ? ['what is made after USER belongs to the user, who may change it']
      : []),
    ...(health === undefined || /^NONE\b/.test(health) ? ['no HEALTHCHECK'] : []),
    ...(entrypoint?.includes('"tini"') ? [] : ['no tini: signals are not passed on, children are not reaped']),
    ...(lastOf('STOPSIGNAL') === 'SIGTERM' ? [] : ['STOPSIGNAL is not said']),
    ...LABELS.filter((label) => !labels.some((text) => text.includes(`${label}=`))).map((label) => `no label ${label}`),
    ...(changing !== -1 && instructions.slice(changing).some(({ word }) => MAKES_A_LAYER.has(word))
      ? ['layers after an argument that differs with each build are made anew each time']
      : []),
    ...(instructions.some(
      ({ word, text }) => word === 'RUN' && /apt-get/.test(text) && !text.includes('/var/lib/apt/lists'),
    )
      ? ['the lists of packages stay in the image']
      : []),
    ...(instructions.some(({ word, text }) => word === 'RUN' && /chmod a-s/.test(text))
      ? []
      : ['programs that change who runs them stay in the image']),
  ]
}

/** `A=1 B=2`, `A`, and the old `A 1`. */
function namesOf(text: string): string[] {
  return [...text.matchAll(/(?:^|\s)([A-Za-z_]\w*)(?==|$|\s)/g)].map((match) => match[1] ?? '')
}
