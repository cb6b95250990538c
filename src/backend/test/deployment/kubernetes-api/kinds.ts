// The kinds that the API serves: those of a cluster, those that its operators install beside, and what CustomResourceDefinitions add.
// How they are told to a client: discovery in both of its forms, and the OpenAPI document that says which parameters a write takes.
import { ApiFailure, type ApiObject, listAt, type Tree, treeAt } from './api-object.ts'

export interface Kind {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly subresources: readonly string[]
  /** Of the cluster itself: it has merge keys for its lists. Others take lists whole unless their schema says. */
  readonly builtIn: boolean
  /** Of a CustomResourceDefinition: its openAPIV3Schema. */
  readonly schema?: Tree
}

/** `group/version plural Kind scope short-names subresources`; a star after the kind: it is the cluster's own. */
const TABLE = `
v1 namespaces Namespace* cluster ns status,finalize
v1 nodes Node* cluster no status
v1 persistentvolumes PersistentVolume* cluster pv status
v1 pods Pod* namespaced po status,log,exec,attach,eviction
v1 services Service* namespaced svc status
v1 configmaps ConfigMap* namespaced cm -
v1 secrets Secret* namespaced - -
v1 serviceaccounts ServiceAccount* namespaced sa -
v1 events Event* namespaced ev -
v1 endpoints Endpoints* namespaced ep -
v1 persistentvolumeclaims PersistentVolumeClaim* namespaced pvc status
v1 resourcequotas ResourceQuota* namespaced quota status
v1 limitranges LimitRange* namespaced limits -
v1 replicationcontrollers ReplicationController* namespaced rc status
apps/v1 deployments Deployment* namespaced deploy status,scale
apps/v1 replicasets ReplicaSet* namespaced rs status,scale
apps/v1 statefulsets StatefulSet* namespaced sts status,scale
apps/v1 daemonsets DaemonSet* namespaced ds status
batch/v1 jobs Job* namespaced - status
batch/v1 cronjobs CronJob* namespaced cj status
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler* namespaced hpa status
policy/v1 poddisruptionbudgets PodDisruptionBudget* namespaced pdb status
networking.k8s.io/v1 networkpolicies NetworkPolicy* namespaced netpol -
networking.k8s.io/v1 ingresses Ingress* namespaced ing status
networking.k8s.io/v1 ingressclasses IngressClass* cluster - -
rbac.authorization.k8s.io/v1 roles Role* namespaced - -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding* namespaced - -
rbac.authorization.k8s.io/v1 clusterroles ClusterRole* cluster - -
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding* cluster - -
storage.k8s.io/v1 storageclasses StorageClass* cluster sc -
scheduling.k8s.io/v1 priorityclasses PriorityClass* cluster pc -
coordination.k8s.io/v1 leases Lease* namespaced - -
discovery.k8s.io/v1 endpointslices EndpointSlice* namespaced - -
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy* cluster - status
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding* cluster - -
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition* cluster crd,crds status
apiregistration.k8s.io/v1 apiservices APIService* cluster - status
gateway.networking.k8s.io/v1 gatewayclasses GatewayClass cluster gc status
gateway.networking.k8s.io/v1 gateways Gateway namespaced gtw status
gateway.networking.k8s.io/v1 httproutes HTTPRoute namespaced - status
gateway.k8s.aws/v1 loadbalancerconfigurations LoadBalancerConfiguration namespaced - status
gateway.k8s.aws/v1 targetgroupconfigurations TargetGroupConfiguration namespaced - status
gateway.k8s.aws/v1 listenerruleconfigurations ListenerRuleConfiguration namespaced - status
external-secrets.io/v1 externalsecrets ExternalSecret namespaced es status
external-secrets.io/v1 secretstores SecretStore namespaced ss status
external-secrets.io/v1 clustersecretstores ClusterSecretStore cluster css status
cert-manager.io/v1 certificates Certificate namespaced cert,certs status
cert-manager.io/v1 issuers Issuer namespaced - status
cert-manager.io/v1 clusterissuers ClusterIssuer cluster - status
keda.sh/v1alpha1 scaledobjects ScaledObject namespaced so status
keda.sh/v1alpha1 triggerauthentications TriggerAuthentication namespaced - status
monitoring.coreos.com/v1 servicemonitors ServiceMonitor namespaced smon status
monitoring.coreos.com/v1 prometheusrules PrometheusRule namespaced promrule status
`

const FIXED: readonly Kind[] = TABLE.trim().split('\n').map(kindOfRow)

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export const NAMESPACE = fixedKind('namespaces')
export const CRD = fixedKind('customresourcedefinitions')

/** A kind that is always there, by its plural name. */
export function fixedKind(plural: string): Kind {
  const found = FIXED.find((kind) => kind.plural === plural)
  if (found === undefined) throw new Error(`no kind is called ${plural}`)
  return found
}

export function apiVersionOf({ group, version }: Pick<Kind, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`
}

/** `deployments.apps "api-gateway"`: how the API names an object in a sentence. */
export function qualifiedName(kind: Kind): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`
}

/** All kinds at a moment: the fixed ones and those of the definitions that are there. */
export function kindsWith(definitions: readonly ApiObject[]): readonly Kind[] {
  return [...FIXED, ...definitions.flatMap(kindsOfDefinition)]
}

export function findKind(kinds: readonly Kind[], group: string, version: string, plural: string): Kind {
  const found = kinds.find((kind) => kind.group === group && kind.version === version && kind.plural === plural)
  if (found === undefined) throw new ApiFailure('NotFound', 'the server could not find the requested resource')
  return found
}

function kindOfRow(row: string): Kind {
  const [apiVersion = '', plural = '', kind = '', scope, shortNames = '-', subresources = '-'] = row.split(' ')
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const words = (text: string) => (text === '-' ? [] : text.split(','))
  return {
    group: group as string,
    version: version as string,
    plural,
    kind: kind.replace('*', ''),
    namespaced: scope === 'namespaced',
    shortNames: words(shortNames),
    subresources: words(subresources),
    builtIn: kind.endsWith('*'),
  }
}

function kindsOfDefinition(definition: ApiObject): Kind[] {
  const spec = treeAt(definition, 'spec')
  const names = treeAt(spec, 'names')
  return listAt(spec, 'versions')
    .filter((version) => version.served !== false)
    .map((version) => ({
      group: String(spec.group),
      version: String(version.name),
      plural: String(names.plural),
      kind: String(names.kind),
      namespaced: spec.scope === 'Namespaced',
      shortNames: (names.shortNames ?? []) as string[],
      subresources: Object.keys(treeAt(version, 'subresources')),
      builtIn: false,
      schema: treeAt(version, 'schema', 'openAPIV3Schema'),
    }))
}

// ---- discovery

export function aggregatedDiscovery(kinds: readonly Kind[], groups: readonly string[]): Tree {
  const items = groups.map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versionsOf(kinds, group).map((version) => ({
      version,
      freshness: 'Current',
      resources: kinds.filter((kind) => kind.group === group && kind.version === version).map(discovered),
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}

function discovered(kind: Kind): Tree {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind }
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.kind.toLowerCase(),
    verbs: VERBS,
    shortNames: kind.shortNames,
    ...(IN_ALL.has(kind.plural) && { categories: ['all'] }),
    subresources: kind.subresources.map((subresource) => ({
      subresource,
      responseKind: subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : responseKind,
      verbs: ['get', 'patch', 'update', 'create'],
    })),
  }
}

/** What `kubectl get all` asks for. */
const IN_ALL = new Set([
  'pods',
  'services',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'cronjobs',
  'horizontalpodautoscalers',
])

export function groupList(kinds: readonly Kind[]): Tree {
  const groups = namedGroups(kinds).map((name) => {
    const versions = versionsOf(kinds, name).map((version) => ({ groupVersion: `${name}/${version}`, version }))
    return { name, versions, preferredVersion: versions[0] }
  })
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

export function resourceList(kinds: readonly Kind[], group: string, version: string): Tree {
  const own = kinds.filter((kind) => kind.group === group && kind.version === version)
  if (own.length === 0) throw new ApiFailure('NotFound', 'the server could not find the requested resource')
  const resources = own.flatMap((kind) => {
    const { namespaced, shortNames, plural } = kind
    const about = { namespaced, kind: kind.kind, singularName: kind.kind.toLowerCase(), verbs: VERBS }
    return [
      { name: plural, ...about, shortNames, ...(IN_ALL.has(plural) && { categories: ['all'] }) },
      ...kind.subresources.map((sub) => ({ name: `${plural}/${sub}`, ...about, singularName: '' })),
    ]
  })
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf({ group, version }), resources }
}

export function namedGroups(kinds: readonly Kind[]): string[] {
  return [...new Set(kinds.map((kind) => kind.group))].filter((group) => group !== '')
}

function versionsOf(kinds: readonly Kind[], group: string): string[] {
  return [...new Set(kinds.filter((kind) => kind.group === group).map((kind) => kind.version))]
}

// ---- OpenAPI

export function openApiRoot(kinds: readonly Kind[]): Tree {
  const paths = [...new Set(kinds.map((kind) => pathOf(kind)))]
  return { paths: Object.fromEntries(paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])) }
}

/** Only what a client asks it for: that a write may be tried without effect, and that unknown fields may be refused. */
export function openApiOf(kinds: readonly Kind[], path: string): Tree {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
    name,
    in: 'query',
    schema: { type: 'string' },
  }))
  const own = kinds.filter((kind) => pathOf(kind) === path)
  const paths = own.map(({ group, version, kind, plural, namespaced }) => {
    const about = { parameters, 'x-kubernetes-group-version-kind': { group, version, kind }, responses: {} }
    const collection = `/${path}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
    return [`${collection}/{name}`, { patch: about, put: about }]
  })
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.32.0' },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  }
}

function pathOf({ group, version }: Kind): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`
}
