// Where clients come in. The load balancer is made by the cluster's controller, of the Gateway and its configuration in the manifests; the
// certificate and the firewall before it are planned by Terraform. These rules read both.
import { subnetsOf } from './networks.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, textAt, textsAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { differs, every, type Fault, missing, type PolicyRule, type Verdict, whereThereIs } from './rule.ts'

/** TLS 1.3 and 1.2, with suites that keep what was said secret when a key is lost later. */
const TLS_POLICY = /^ELBSecurityPolicy-TLS13-1-[23](?:-Res)?(?:-FIPS)?(?:-PQ)?-\d{4}-\d{2}$/
const GATEWAY = 'kubernetes.Gateway'
const BALANCER = 'kubernetes.LoadBalancerConfiguration'
const ROUTE = 'kubernetes.HTTPRoute'
const TARGETS = 'kubernetes.TargetGroupConfiguration'
const HEADERS_WITH_CREDENTIALS = ['authorization', 'cookie', 'x-api-key']

export const EDGE_RULES: readonly PolicyRule[] = [
  {
    id: 'ELB.17',
    alsoKnownAs: ['ELB.18'],
    title: 'Clients speak TLS 1.2 or 1.3, nothing older',
    remedy: 'Set sslPolicy of HTTPS:443 to one of ELBSecurityPolicy-TLS13-1-2 without -Ext.',
    appliesTo: [GATEWAY, BALANCER],
    check: (planned) => [
      ...every(planned.all(GATEWAY), GATEWAY, (gateway) => {
        const others = blocksAt(gateway, 'spec.listeners').filter(
          ({ protocol, port }) => !(protocol === 'HTTPS' && port === 443),
        )
        const plain = others.find(({ protocol, port }) => !(protocol === 'HTTP' && port === 80))
        if (others.length === blocksAt(gateway, 'spec.listeners').length) return 'it does not listen on 443 with HTTPS'
        return plain && `it listens on ${String(plain.port)} with ${String(plain.protocol)}`
      }),
      ...balancers(planned, (balancer) => {
        const https = blocksAt(balancer, 'spec.listenerConfigurations').find(
          ({ protocolPort }) => protocolPort === 'HTTPS:443',
        )
        const policy = String(https?.sslPolicy ?? '')
        return TLS_POLICY.test(policy) ? null : `sslPolicy of HTTPS:443 is ${policy || 'not given'}`
      }),
    ],
  },
  {
    id: 'ELB.1',
    title: 'Whoever comes without TLS is sent to the door that has it, and nowhere else',
    remedy: 'Bind services to the listener https only (sectionName), and on http redirect to https with 301.',
    appliesTo: [GATEWAY, ROUTE],
    check: (planned) => {
      const routes = planned.all(ROUTE)
      const onHttp = routes.filter((route) => sections(route).includes('http'))
      return [
        ...(onHttp.length === 0 ? [missing(`${ROUTE} of the listener http`)] : []),
        ...whereThereIs(routes, (route) => {
          const wide = sections(route).length === 0 || sections(route).includes('')
          return wide && 'it names no listener (sectionName), and would be reached on both'
        }),
        ...whereThereIs(onHttp, (route) => {
          const rules = blocksAt(route, 'spec.rules')
          const served = rules.some(({ backendRefs }) => Array.isArray(backendRefs) && backendRefs.length > 0)
          if (served) return 'it serves a service without TLS'
          const redirect = 'spec.rules.0.filters.0.requestRedirect'
          return (
            differs('it redirects to', valueAt(route, `${redirect}.scheme`), 'https') ??
            differs('its status', valueAt(route, `${redirect}.statusCode`), 301)
          )
        }),
      ]
    },
  },
  {
    id: 'ELB.4',
    alsoKnownAs: ['ELB.12'],
    title: 'Requests that two programs could read in two ways do not come in',
    remedy:
      'Set the attributes routing.http.drop_invalid_header_fields.enabled and routing.http.desync_mitigation_mode (defensive or strictest).',
    appliesTo: [BALANCER],
    check: (planned) =>
      balancers(planned, (balancer) => {
        const dropped = attributeFault(balancer, 'routing.http.drop_invalid_header_fields.enabled', 'true')
        if (dropped) return dropped
        const mode = attribute(balancer, 'routing.http.desync_mitigation_mode')
        return mode === 'defensive' || mode === 'strictest'
          ? null
          : `the desync mitigation mode is ${mode ?? 'not given'}`
      }),
  },
  {
    id: 'ELB.5',
    title: 'Requests are in the access log of the load balancer, in a bucket of ours',
    remedy:
      'Set the attributes access_logs.s3.enabled, .bucket and .prefix; the bucket is planned and lets the load balancer write.',
    appliesTo: [BALANCER, 'aws_s3_bucket'],
    check: (planned) =>
      balancers(planned, (balancer) => {
        const off = attributeFault(balancer, 'access_logs.s3.enabled', 'true')
        if (off) return off
        const bucket = attribute(balancer, 'access_logs.s3.bucket') ?? ''
        const ours = planned.all('aws_s3_bucket').map((each) => withoutAccount(textAt(each, 'bucket') ?? ''))
        return ours.includes(withoutAccount(bucket)) ? null : `${bucket || 'no bucket'} is no bucket of the plan`
      }),
  },
  {
    id: 'ELB.6',
    title: 'In staging and production the load balancer cannot be deleted by mistake',
    remedy: 'Set the attribute deletion_protection.enabled.',
    appliesTo: [BALANCER],
    check: (planned) =>
      planned.isHighlyAvailable
        ? balancers(planned, (balancer) => attributeFault(balancer, 'deletion_protection.enabled', 'true'))
        : [],
  },
  {
    id: 'ELB.13',
    title: 'The load balancer stands in the public subnets of three zones',
    remedy: 'Set scheme internet-facing and loadBalancerSubnetsSelector to Tier: [public].',
    appliesTo: [BALANCER, 'aws_subnet'],
    check: (planned) =>
      balancers(planned, (balancer) => {
        const tiers = textsAt(balancer, 'spec.loadBalancerSubnetsSelector.Tier')
        const scheme = differs('scheme', valueAt(balancer, 'spec.scheme'), 'internet-facing')
        if (scheme) return scheme
        if (tiers.join() !== 'public') return `it stands in the tier ${tiers.join() || 'that the controller finds'}`
        const subnets = subnetsOf(planned, 'public').length
        return subnets < 3 && `the plan has ${subnets} public subnets`
      }),
  },
  {
    id: 'ELB.16',
    alsoKnownAs: ['WAF.10', 'WAF.12'],
    title: 'Requests pass a firewall that counts them, and knows what attacks look like',
    remedy:
      "Name the environment's web ACL in wafV2.webACL; give it a rate rule by address, the managed rule sets, and metrics.",
    appliesTo: [BALANCER, 'aws_wafv2_web_acl'],
    check: (planned) => [
      ...balancers(planned, (balancer) => {
        const arn = textAt(balancer, 'spec.wafV2.webACL')
        if (arn === undefined) return 'no firewall stands before it'
        const ours = planned.all('aws_wafv2_web_acl').map((acl) => `/webacl/${textAt(acl, 'name')}/`)
        return ours.some((name) => arn.includes(name)) ? null : `${arn} is no firewall of the plan`
      }),
      ...every(planned.all('aws_wafv2_web_acl'), 'aws_wafv2_web_acl', (acl) => {
        const rules = blocksAt(acl, 'rule')
        const has = (kind: string) =>
          rules.some((_, index) => blocksAt(acl, `rule.${index}.statement.${kind}`).length > 0)
        if (!has('rate_based_statement')) return 'it counts nobody (rate_based_statement)'
        if (!has('managed_rule_group_statement')) return 'it knows no attack (managed_rule_group_statement)'
        const metrics = valueAt(acl, 'visibility_config.cloudwatch_metrics_enabled')
        return differs('cloudwatch_metrics_enabled', metrics, true)
      }),
    ],
  },
  {
    id: 'WAF.11',
    title: 'What the firewall refused is in a log, without credentials',
    remedy: `Add aws_wafv2_web_acl_logging_configuration, with redacted_fields for ${HEADERS_WITH_CREDENTIALS.join(', ')}.`,
    appliesTo: ['aws_wafv2_web_acl', 'aws_wafv2_web_acl_logging_configuration'],
    check: (planned) =>
      every(planned.all('aws_wafv2_web_acl'), 'aws_wafv2_web_acl', (acl) => {
        const [logging] = planned.leadingTo(acl, 'aws_wafv2_web_acl_logging_configuration', 'resource_arn')
        if (logging === undefined) return 'it logs nothing'
        const hidden = blocksAt(logging, 'redacted_fields').map((_, index) =>
          textAt(logging, `redacted_fields.${index}.single_header.name`),
        )
        const shown = HEADERS_WITH_CREDENTIALS.filter((header) => !hidden.includes(header))
        return shown.length > 0 && `its log shows ${shown.join(', ')}`
      }),
  },
  {
    id: 'BRE-41',
    title: 'From the load balancer to the pods requests travel encrypted',
    remedy: 'Set the protocol of target groups to HTTPS, and that of their health check too.',
    appliesTo: [TARGETS],
    check: (planned) =>
      every(
        planned.all(TARGETS),
        TARGETS,
        (targets) =>
          differs('protocol', valueAt(targets, 'spec.defaultConfiguration.protocol'), 'HTTPS') ??
          differs(
            'the protocol of its health check',
            valueAt(targets, 'spec.defaultConfiguration.healthCheckConfig.healthCheckProtocol'),
            'HTTPS',
          ),
      ),
  },
  {
    id: 'BRE-45',
    title: 'The load balancer has our security group; its controller opens none of its own',
    remedy: "Name the plan's security group in securityGroups, and leave manageBackendSecurityGroupRules false.",
    appliesTo: [BALANCER, 'aws_security_group'],
    check: (planned) =>
      balancers(planned, (balancer) => {
        const groups = textsAt(balancer, 'spec.securityGroups')
        if (groups.length === 0) return 'the controller makes a group of its own, open to everybody'
        const other = groups.find(
          (name) => !planned.all('aws_security_group').some((group) => textAt(group, 'tags.Name') === name),
        )
        if (other !== undefined) return `${other} is no security group of the plan`
        return (
          valueAt(balancer, 'spec.manageBackendSecurityGroupRules') === true &&
          "the controller changes the nodes' group"
        )
      }),
  },
  {
    id: 'ACM.1',
    alsoKnownAs: ['ACM.2'],
    title: "The certificate is for the gateway's name, renews itself by DNS, and its key is long enough",
    remedy:
      "Set domain_name to the host name of the Gateway's listener, validation_method to DNS, and use RSA_2048 or an elliptic curve.",
    appliesTo: ['aws_acm_certificate', GATEWAY],
    check: (planned) => {
      const names = planned
        .all(GATEWAY)
        .flatMap((gateway) => blocksAt(gateway, 'spec.listeners'))
        .map(({ hostname }) => hostname)
      return every(planned.all('aws_acm_certificate'), 'aws_acm_certificate', (certificate) => {
        const key = textAt(certificate, 'key_algorithm') ?? 'RSA_2048'
        if (key === 'RSA_1024') return `its key is ${key}`
        const name = textAt(certificate, 'domain_name')
        if (!names.includes(name))
          return `it is for ${name ?? 'nothing'}, and the gateway is ${names.join(', ') || 'not there'}`
        return differs('validation_method', valueAt(certificate, 'validation_method'), 'DNS')
      })
    },
  },
]

/** Types of objects that these rules look at; without the manifests they have nothing to say. */
export const GATEWAY_KINDS = [GATEWAY, BALANCER, ROUTE, TARGETS]

function balancers(planned: PlannedEnvironment, verdict: (balancer: PlannedResource) => Verdict): Fault[] {
  return every(planned.all(BALANCER), BALANCER, verdict)
}

function attribute(balancer: PlannedResource, key: string): string | undefined {
  const found = blocksAt(balancer, 'spec.loadBalancerAttributes').find((each) => each.key === key)
  return found === undefined ? undefined : String(found.value)
}

function attributeFault(balancer: PlannedResource, key: string, wanted: string): Verdict {
  return differs(key, attribute(balancer, key), wanted)
}

/** The listeners that a route is bound to, by name. */
function sections(route: PlannedResource): readonly string[] {
  return blocksAt(route, 'spec.parentRefs').map(({ sectionName }) =>
    typeof sectionName === 'string' ? sectionName : '',
  )
}

/** Manifests hold an example of an account's number. */
function withoutAccount(name: string): string {
  return name.replace(/-\d{12}$/, '')
}
