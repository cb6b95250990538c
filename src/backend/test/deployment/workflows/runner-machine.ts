// The machine that a workflow's steps run on: programs on its path, and what a checkout puts into a job's folder. The command lines of AWS and Kubernetes are
// the real ones. What stands in for something is here, each with what it stands for:
//
//   aws ssm start-session     Session Manager's tunnel: a relay to the API in memory
//   aws eks get-token         a token of AWS: one of the API in memory, whose user has the rights that the deploy role's group has
//   aws ecr describe-image-scan-findings   a scan without critical findings: the emulator shows no image any more once it has scanned it
//   aws ec2 describe-instances   what the real one said the first time: each job asks for the bastion, and there is one
//   npm                       the repository's own tests, which run elsewhere; it writes down what it was asked for
//   run_smoke_tests.sh, run_integration_tests.sh    the validation, which has tests of its own: asks the environment for its version
//   scripts/install.mjs       the packages are there
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../debian-package.ts'
import { BACKEND, PROJECT_ROOT } from '../../tidy/tree.ts'

export interface RunnerMachine {
  /** For the front of PATH. */
  readonly bin: string
  /** Lines of what `npm` was asked for. */
  readonly npmLog: string
  /** Puts a copy of the repository there. */
  checkOut(folder: string): void
}

export interface MachineOptions {
  readonly folder: string
  /** The real `aws`. */
  readonly aws: string
  /** The port of the API in memory, what its certificate is checked with, and a token of it. */
  readonly api: { readonly port: number; readonly caFile: string; readonly token: string }
}

/** What no step reads, or is linked. Builds come and go while others test. */
const LEFT_OUT = /src\/backend\/(?:node_modules|dist(?:\.new|\.old)?|infrastructure|test|client)$/

const RELAY = `
import { connect, createServer } from 'node:net'
const [from, to] = process.argv.slice(2).map(Number)
createServer((near) => {
  const far = connect(to, '127.0.0.1')
  for (const side of [near, far]) side.on('error', () => { near.destroy(); far.destroy() })
  near.pipe(far).pipe(near)
}).listen(from, '127.0.0.1')
`

/** What the real one says of a cluster's authority is no certificate. */
const awsProgram = ({ aws, api }: MachineOptions, folder: string) => `#!/bin/bash
case " $* " in
  *' ssm start-session '*)
    [[ $* =~ localPortNumber=([0-9]+) ]]
    exec node '${folder}/relay.mjs' "\${BASH_REMATCH[1]}" ${api.port} ;;
  *' eks get-token '*)
    echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{},"status":{"token":"${api.token}"}}' ;;
  *' ecr describe-image-scan-findings '*)
    echo '["COMPLETE",{"HIGH":1}]' ;;
  *' ec2 describe-instances '*)
    [ -e "$HOME/instances" ] || { '${aws}' "$@" >"$HOME/said" && mv "$HOME/said" "$HOME/instances"; } || exit
    cat "$HOME/instances" ;;
  *' eks update-kubeconfig '*)
    '${aws}' "$@" || exit
    cluster=$(kubectl config view --minify --output 'jsonpath={.clusters[0].name}')
    kubectl config set-cluster "$cluster" --certificate-authority='${api.caFile}' --embed-certs=true >/dev/null ;;
  *) exec '${aws}' "$@" ;;
esac
`

const VALIDATION = `#!/bin/bash
# Says whether the environment answers, with the version that is expected.
set -euo pipefail
while [ $# -gt 0 ]; do
  case $1 in
    --environment) environment=$2 && shift ;;
    --expect-version) expected=$2 && shift ;;
    --subset) shift ;;
    *) echo "$1 is no option" >&2 && exit 2 ;;
  esac
  shift
done
address=BASE_URL_\${environment^^}
version=$(curl --silent --show-error --fail "\${!address}/health" | jq --raw-output .version)
echo "$environment answers with $version"
[ -z "\${expected-}" ] || [ "$version" = "$expected" ]
`

export function makeMachine(options: MachineOptions): RunnerMachine {
  const { folder } = options
  const bin = join(folder, 'bin')
  const repository = join(folder, 'repository')
  const npmLog = join(folder, 'npm.log')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(folder, 'relay.mjs'), RELAY)
  program(join(bin, 'aws'), awsProgram(options, folder))
  program(join(bin, 'npm'), `#!/bin/sh\necho "npm $*" >>'${npmLog}'\n`)
  if (onPath('node') === null) symlinkSync(process.execPath, join(bin, 'node'))

  for (const path of ['.github/scripts', 'infrastructure/kubernetes', 'CHANGELOG.md', 'package.json', BACKEND]) {
    cpSync(join(PROJECT_ROOT, path), join(repository, path), {
      recursive: true,
      filter: (each) => !LEFT_OUT.test(each),
    })
  }
  symlinkSync(join(PROJECT_ROOT, BACKEND, 'node_modules'), join(repository, BACKEND, 'node_modules'))
  writeFileSync(join(repository, BACKEND, 'scripts/install.mjs'), '')
  mkdirSync(join(repository, 'src/test/scripts'), { recursive: true })
  for (const name of ['run_smoke_tests.sh', 'run_integration_tests.sh']) {
    program(join(repository, 'src/test/scripts', name), VALIDATION)
  }
  return {
    bin,
    npmLog,
    checkOut(at) {
      rmSync(at, { recursive: true, force: true })
      // sed -i puts another file in a file's place: what is linked stays as it is.
      execFileSync('cp', ['-al', repository, at])
    },
  }
}

function program(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}
