// Plans of the edge: what Terraform makes, and the objects that the load balancer is made of.
import { but, type Examples, inEnvironment, planned, without } from './example.ts'
import { SUBNETS } from './networks.ts'

const object = (kind: string, name: string, spec: object) => ({
  ...planned(`kubernetes.${kind}`, { spec }),
  address: `${kind} borrow-rate-engine-prod/${name}`,
  type: `kubernetes.${kind}`,
  name,
})
const BALANCER = 'LoadBalancerConfiguration borrow-rate-engine-prod/edge'
const HTTPS = 'HTTPRoute borrow-rate-engine-prod/api-gateway'
const HTTP = 'HTTPRoute borrow-rate-engine-prod/redirect'
const GATEWAY = 'Gateway borrow-rate-engine-prod/edge'
const TARGETS = 'TargetGroupConfiguration borrow-rate-engine-prod/api-gateway'

const HOST = 'borrow-rate.example.com'
const LISTENERS = [
  { name: 'https', protocol: 'HTTPS', port: 443, hostname: HOST },
  { name: 'http', protocol: 'HTTP', port: 80, hostname: HOST },
]
const ATTRIBUTES = {
  'routing.http.drop_invalid_header_fields.enabled': 'true',
  'routing.http.desync_mitigation_mode': 'strictest',
  'deletion_protection.enabled': 'true',
  'access_logs.s3.enabled': 'true',
  'access_logs.s3.bucket': 'borrow-rate-engine-prod-access-logs-333333333333',
}
const attributes = (changed: Partial<typeof ATTRIBUTES> = {}) =>
  Object.entries({ ...ATTRIBUTES, ...changed }).map(([key, value]) => ({ key, value }))

const SPEC = {
  scheme: 'internet-facing',
  securityGroups: ['borrow-rate-engine-prod-load-balancer'],
  loadBalancerSubnetsSelector: { Tier: ['public'] },
  listenerConfigurations: [{ protocolPort: 'HTTPS:443', sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06' }],
  loadBalancerAttributes: attributes(),
  wafV2: { webACL: 'arn:aws:wafv2:us-east-1:333333333333:regional/webacl/borrow-rate-engine-prod/0000' },
}
const REDIRECT = [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }]
const PROTOCOLS = { protocol: 'HTTPS', healthCheckConfig: { healthCheckProtocol: 'HTTPS' } }

const EDGE = [
  object('Gateway', 'edge', { listeners: LISTENERS }),
  object('LoadBalancerConfiguration', 'edge', SPEC),
  object('HTTPRoute', 'api-gateway', {
    parentRefs: [{ name: 'edge', sectionName: 'https' }],
    rules: [{ backendRefs: [{ name: 'api-gateway' }] }],
  }),
  object('HTTPRoute', 'redirect', { parentRefs: [{ name: 'edge', sectionName: 'http' }], rules: REDIRECT }),
  object('TargetGroupConfiguration', 'api-gateway', { defaultConfiguration: PROTOCOLS }),
  planned('aws_s3_bucket.access_logs', { bucket: 'borrow-rate-engine-prod-access-logs-123456789012' }),
  planned('aws_security_group.load_balancer', { tags: { Name: 'borrow-rate-engine-prod-load-balancer' } }),
  planned('aws_wafv2_web_acl.main', {
    name: 'borrow-rate-engine-prod',
    rule: [
      { statement: [{ managed_rule_group_statement: [{}] }] },
      { statement: [{ rate_based_statement: [{ limit: 2000 }] }] },
    ],
    visibility_config: [{ cloudwatch_metrics_enabled: true }],
  }),
  planned(
    'aws_wafv2_web_acl_logging_configuration.main',
    {
      redacted_fields: ['authorization', 'cookie', 'x-api-key'].map((name) => ({ single_header: [{ name }] })),
    },
    { resource_arn: 'aws_wafv2_web_acl.main.arn' },
  ),
  planned('aws_acm_certificate.main', {
    domain_name: HOST,
    validation_method: 'DNS',
    key_algorithm: 'EC_prime256v1',
  }),
  ...SUBNETS,
]
const balancer = (changed: object) => but(EDGE, BALANCER, { spec: { ...SPEC, ...changed } })
const listeners = (...changed: object[]) => but(EDGE, GATEWAY, { spec: { listeners: changed } })
const sslPolicy = (policy: string | undefined) =>
  balancer({ listenerConfigurations: [{ protocolPort: 'HTTPS:443', sslPolicy: policy }] })

export const EDGE_EXAMPLES: Examples = {
  'ELB.17': {
    keeps: {
      '1.2 and 1.3': EDGE,
      'and what a quantum computer cannot read later': sslPolicy('ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09'),
    },
    breaks: {
      '1.0': sslPolicy('ELBSecurityPolicy-TLS13-1-0-2021-06'),
      'suites without forward secrecy': sslPolicy('ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06'),
      'the policy of AWS': sslPolicy(undefined),
      'another door': listeners(...LISTENERS, { name: 'plain', protocol: 'HTTP', port: 8080 }),
      'no door with TLS': listeners(LISTENERS[1] ?? {}),
    },
  },
  'ELB.1': {
    keeps: { 'a redirect': EDGE },
    breaks: {
      'a service on both doors': but(EDGE, HTTPS, {
        spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'api-gateway' }] }] },
      }),
      'a service without TLS': but(EDGE, HTTP, {
        spec: {
          parentRefs: [{ name: 'edge', sectionName: 'http' }],
          rules: [{ backendRefs: [{ name: 'api-gateway' }] }],
        },
      }),
      'a redirect for today only': but(EDGE, HTTP, {
        spec: {
          parentRefs: [{ name: 'edge', sectionName: 'http' }],
          rules: [{ filters: [{ requestRedirect: { scheme: 'https', statusCode: 302 } }] }],
        },
      }),
      'nobody there': without(EDGE, HTTP),
    },
  },
  'ELB.4': {
    keeps: { 'the strictest': EDGE },
    breaks: {
      'odd headers come in': balancer({
        loadBalancerAttributes: attributes({ 'routing.http.drop_invalid_header_fields.enabled': 'false' }),
      }),
      'odd requests are watched only': balancer({
        loadBalancerAttributes: attributes({ 'routing.http.desync_mitigation_mode': 'monitor' }),
      }),
    },
  },
  'ELB.5': {
    keeps: { 'the bucket of access logs': EDGE },
    breaks: {
      'no log': balancer({ loadBalancerAttributes: attributes({ 'access_logs.s3.enabled': 'false' }) }),
      "another environment's bucket": balancer({
        loadBalancerAttributes: attributes({
          'access_logs.s3.bucket': 'borrow-rate-engine-dev-access-logs-111111111111',
        }),
      }),
    },
  },
  'ELB.6': {
    keeps: {
      'it stays': EDGE,
      'development may go': inEnvironment(
        'dev',
        balancer({ loadBalancerAttributes: attributes({ 'deletion_protection.enabled': 'false' }) }),
      ),
    },
    breaks: {
      'it goes': balancer({ loadBalancerAttributes: attributes({ 'deletion_protection.enabled': 'false' }) }),
      'nobody said': balancer({ loadBalancerAttributes: [] }),
    },
  },
  'ELB.13': {
    keeps: { 'three public subnets': EDGE },
    breaks: {
      'within the network only': balancer({ scheme: 'internal' }),
      'subnets of the app tier': balancer({ loadBalancerSubnetsSelector: { Tier: ['app'] } }),
      'two zones': without(EDGE, 'aws_subnet.public[2]'),
    },
  },
  'ELB.16': {
    keeps: { 'the firewall of the environment': EDGE },
    breaks: {
      'no firewall': balancer({ wafV2: undefined }),
      "another environment's": balancer({
        wafV2: { webACL: 'arn:aws:wafv2:us-east-1:1:regional/webacl/borrow-rate-engine-dev/0000' },
      }),
      'one that counts nobody': but(EDGE, 'aws_wafv2_web_acl.main', {
        rule: [{ statement: [{ managed_rule_group_statement: [{}] }] }],
      }),
      'one that knows no attack': but(EDGE, 'aws_wafv2_web_acl.main', {
        rule: [{ statement: [{ rate_based_statement: [{ limit: 2000 }] }] }],
      }),
    },
  },
  'WAF.11': {
    keeps: { 'three headers hidden': EDGE },
    breaks: {
      'no log': without(EDGE, 'aws_wafv2_web_acl_logging_configuration.main'),
      'keys of clients in the log': but(EDGE, 'aws_wafv2_web_acl_logging_configuration.main', {
        redacted_fields: [{ single_header: [{ name: 'authorization' }] }],
      }),
    },
  },
  'BRE-41': {
    keeps: { HTTPS: EDGE },
    breaks: {
      HTTP: but(EDGE, TARGETS, { spec: { defaultConfiguration: { ...PROTOCOLS, protocol: 'HTTP' } } }),
      'a health check without TLS': but(EDGE, TARGETS, { spec: { defaultConfiguration: { protocol: 'HTTPS' } } }),
    },
  },
  'BRE-45': {
    keeps: { 'the group of the plan': EDGE },
    breaks: {
      "the controller's own": balancer({ securityGroups: undefined }),
      'one that is not planned': balancer({ securityGroups: ['default'] }),
      "the nodes' group is changed": balancer({ manageBackendSecurityGroupRules: true }),
    },
  },
  'ACM.1': {
    keeps: { 'the name of the gateway': EDGE },
    breaks: {
      'another name': but(EDGE, 'aws_acm_certificate.main', { domain_name: 'staging.borrow-rate.example.com' }),
      'renewed by mail': but(EDGE, 'aws_acm_certificate.main', { validation_method: 'EMAIL' }),
      'a short key': but(EDGE, 'aws_acm_certificate.main', { key_algorithm: 'RSA_1024' }),
    },
  },
}
