// The whole account as one Terraform program, put together from its parts.
import { AwsProvider } from '@cdktn/provider-aws/lib/provider/index.js'
import { App, S3Backend } from 'cdktn'
import { Account } from './account.ts'
import { Backups } from './backup.ts'
import { Monitoring } from './cloudwatch.ts'
import { DnsZone } from './dns.ts'
import { Edge } from './edge.ts'
import { KubernetesCluster } from './eks.ts'
import { Endpoints } from './endpoints.ts'
import { Access } from './iam.ts'
import { Keys } from './keys.ts'
import { Naming } from './naming.ts'
import { declareOutputs } from './outputs.ts'
import { Patching } from './patching.ts'
import { Database } from './rds.ts'
import { Cache } from './redis.ts'
import { InitialPasswords, Secrets } from './secrets.ts'
import { SecurityGroups } from './security_groups.ts'
import { declareSettings } from './settings.ts'
import { RootModule } from './stack.ts'
import { Storage } from './storage.ts'
import { Network } from './vpc.ts'
import { WaysIn } from './ways_in.ts'

/** Write-only arguments came with 1.11, the state's own lock file with 1.10. */
const TERRAFORM_VERSION = '>= 1.11.0'

export function program(): RootModule {
  const app = new App({ context: {}, skipValidation: true })
  const root = new RootModule(app, 'borrow-rate-engine')
  // Which bucket is said by -backend-config=environments/<environment>/backend.tfvars.
  new S3Backend(root, {} as never)
  root.addOverride('terraform.required_version', TERRAFORM_VERSION)

  const settings = declareSettings(root)
  new AwsProvider(root, 'aws', {
    region: settings.aws_region,
    defaultTags: [
      {
        tags: {
          Project: 'borrow-rate-engine',
          Environment: settings.environment,
          ManagedBy: 'terraform',
        },
      },
    ],
  })

  const naming = new Naming(root)
  const keys = new Keys(root, naming)
  const network = new Network(root, settings, naming, keys)
  const groups = new SecurityGroups(root, naming, network.vpc)
  new Endpoints(root, naming, network, groups)
  const storage = new Storage(root, settings, naming, keys)
  const zone = new DnsZone(root, settings)
  const edge = new Edge(root, settings, naming, keys, zone)
  const kubernetes = new KubernetesCluster(root, settings, naming, keys, network, groups)
  const passwords = new InitialPasswords(root)
  const database = new Database(root, settings, naming, keys, network, groups, passwords)
  const cache = new Cache(root, settings, naming, keys, network, groups, passwords)
  new Secrets(root, naming, keys, { database, cache, passwords, network, groups, settings })
  const access = new Access(root, naming, { keys, kubernetes, storage, groups })
  new WaysIn(root, settings, naming, keys, network, groups)
  const account = new Account(root, settings, naming, keys, network, storage)
  const monitoring = new Monitoring(root, naming, keys, { database, cache, kubernetes })
  monitoring.watchTrail(account.trailLogGroup.name)
  const backups = new Backups(root, settings, naming, keys, database, monitoring)
  new Patching(root, naming)
  declareOutputs(root, {
    naming,
    network,
    groups,
    kubernetes,
    database,
    cache,
    storage,
    access,
    edge,
    zone,
    monitoring,
    backups,
  })
  return root
}

/** The program as the text of main.tf.json. */
export function synthesize(): string {
  const root = program()
  root.prepareStack()
  return `${JSON.stringify(root.toTerraform(), withoutRemarks, 2)}\n`
}

/** The library notes beside everything where it came from, which is what its address says already. */
function withoutRemarks(name: string, value: unknown): unknown {
  return name === '//' ? undefined : value
}
