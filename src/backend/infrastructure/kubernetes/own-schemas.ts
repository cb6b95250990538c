// Schemas of kinds that nobody publishes models of: those of the AWS Load Balancer Controller (gateway.k8s.aws/v1), as far as they are used
// here, and TrafficSplit, which is the definition that is installed. What a schema does not know is refused.
import { Ajv, type ValidateFunction } from 'ajv'
import { filesIn, type KubernetesObject } from './built-objects.ts'

type Schema = Readonly<Record<string, unknown>>

const text = { type: 'string' }
const integer = { type: 'integer' }
const oneOf = (...values: string[]) => ({ type: 'string', enum: values })
const list = (items: Schema) => ({ type: 'array', items })
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
})
const attributes = list(object({ key: text, value: text }, ['key', 'value']))

const LOAD_BALANCER = object({
  scheme: oneOf('internal', 'internet-facing'),
  ipAddressType: oneOf('ipv4', 'dualstack', 'dualstack-without-public-ipv4'),
  loadBalancerSubnetsSelector: { type: 'object', additionalProperties: list(text) },
  listenerConfigurations: list(
    object(
      {
        protocolPort: { type: 'string', pattern: '^(HTTP|HTTPS|TLS|TCP|UDP|TCP_UDP):[1-9][0-9]{0,4}$' },
        defaultCertificate: text,
        certificates: list(text),
        sslPolicy: text,
        listenerAttributes: attributes,
      },
      ['protocolPort'],
    ),
  ),
  securityGroups: list(text),
  manageBackendSecurityGroupRules: { type: 'boolean' },
  sourceRanges: list(text),
  wafV2: object({ webACL: text }, ['webACL']),
  loadBalancerAttributes: attributes,
})

const TARGET_GROUP = object({
  targetReference: object({ group: text, kind: text, name: text }, ['name']),
  defaultConfiguration: object({
    targetType: oneOf('instance', 'ip'),
    protocol: oneOf('HTTP', 'HTTPS', 'TCP', 'TLS', 'UDP', 'TCP_UDP'),
    protocolVersion: oneOf('HTTP1', 'HTTP2', 'GRPC'),
    healthCheckConfig: object({
      healthCheckPath: text,
      healthCheckPort: text,
      healthCheckProtocol: oneOf('HTTP', 'HTTPS', 'TCP'),
      healthCheckInterval: integer,
      healthCheckTimeout: integer,
      healthyThresholdCount: integer,
      unhealthyThresholdCount: integer,
      matcher: object({ httpCode: text, grpcCode: text }),
    }),
    targetGroupAttributes: attributes,
  }),
})

interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

/** Schemas of a whole object, by `apiVersion kind`. */
function schemas(): Readonly<Record<string, Schema>> {
  const whole = (spec: Schema) => object({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec }, ['spec'])
  const installed = filesIn('crds').map((definition) => {
    const { spec } = definition as unknown as Definition
    return spec.versions.map(
      ({ name, schema }) => [`${spec.group}/${name} ${spec.names.kind}`, schema.openAPIV3Schema] as const,
    )
  })
  return {
    'gateway.k8s.aws/v1 LoadBalancerConfiguration': whole(LOAD_BALANCER),
    'gateway.k8s.aws/v1 TargetGroupConfiguration': whole(TARGET_GROUP),
    ...Object.fromEntries(installed.flat()),
  }
}

/** Objects that say what they have, have nothing else; Kubernetes' own words beside JSON Schema's are left out. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const known = Object.entries(schema).filter(([word]) => !word.startsWith('x-kubernetes-'))
  const inside = Object.fromEntries(known.map(([word, value]) => [word, closed(value)]))
  return inside.type === 'object' && 'properties' in inside ? { additionalProperties: false, ...inside } : inside
}

const validators = new Map<string, ValidateFunction>()

/** @throws Error that says what is wrong, or that there is no schema */
export function validateBySchema(whole: KubernetesObject): void {
  const name = `${whole.apiVersion} ${whole.kind}`
  const schema = schemas()[name]
  if (schema === undefined) throw new Error(`there is no schema of ${name}`)
  const validate = validators.get(name) ?? new Ajv({ allErrors: true }).compile(closed(schema) as object)
  validators.set(name, validate)
  if (validate(whole)) return
  throw new Error(
    (validate.errors ?? [])
      .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
      .join('; '),
  )
}
