// Actions of others that workflows may use: each by the commit that was looked at, with the version that this is and the inputs that it has there.
// A tag is whatever its owner makes of it tomorrow; a commit stays. What is new is looked at, and then gets a row.

export interface AllowedAction {
  readonly commit: string
  readonly version: string
  /** As its action.yml has them; only those that are used here. */
  readonly inputs: readonly string[]
  readonly required?: readonly string[]
}

export const ACTIONS: Readonly<Record<string, AllowedAction>> = {
  'actions/checkout': {
    commit: '3d3c42e5aac5ba805825da76410c181273ba90b1',
    version: 'v7.0.1',
    inputs: ['fetch-depth', 'path', 'persist-credentials', 'ref'],
    // Left out, the token lies in .git/config for every later step to find.
    required: ['persist-credentials'],
  },
  'actions/setup-node': {
    commit: '820762786026740c76f36085b0efc47a31fe5020',
    version: 'v7.0.0',
    inputs: ['node-version'],
    required: ['node-version'],
  },
  'actions/upload-artifact': {
    commit: 'bbbca2ddaa5d8feaa63e36b76fdaad77386f024f',
    version: 'v7.0.0',
    inputs: ['if-no-files-found', 'name', 'path', 'retention-days'],
    required: ['name', 'path', 'if-no-files-found'],
  },
  'aquasecurity/trivy-action': {
    commit: 'ed142fd0673e97e23eac54620cfb913e5ce36c25',
    version: 'v0.36.0',
    inputs: ['exit-code', 'format', 'ignore-unfixed', 'image-ref', 'severity'],
    // Left out, findings are printed and nothing fails.
    required: ['exit-code', 'image-ref'],
  },
  'aws-actions/amazon-ecr-login': {
    commit: '03f1aad4c6c7ffd436567f42f9384779290529bd',
    version: 'v2.1.7',
    inputs: [],
  },
  'aws-actions/configure-aws-credentials': {
    commit: 'e6de054238d6b7531b4efff3b6587d9aade6a06c',
    version: 'v6.2.3',
    inputs: ['aws-region', 'role-duration-seconds', 'role-to-assume'],
    required: ['aws-region', 'role-to-assume'],
  },
  'docker/build-push-action': {
    commit: '53b7df96c91f9c12dcc8a07bcb9ccacbed38856a',
    version: 'v7.3.0',
    inputs: ['build-args', 'context', 'load', 'provenance', 'pull', 'push', 'sbom', 'tags'],
    required: ['context', 'tags'],
  },
  'docker/setup-buildx-action': {
    commit: '37fe631027851001ddb9b187196cc803df7f5f0e',
    version: 'v4.3.0',
    inputs: [],
  },
  'hashicorp/setup-terraform': {
    commit: 'dfe3c3f87815947d99a8997f908cb6525fc44e9e',
    version: 'v4.0.1',
    inputs: ['terraform_version', 'terraform_wrapper'],
    required: ['terraform_version'],
  },
  'slackapi/slack-github-action': {
    commit: 'dcb1066f776dd043e64d0e8ba94ca15cc7e1875d',
    version: 'v4.0.0',
    inputs: ['errors', 'method', 'payload', 'token'],
    // Left out, a message that Slack refuses is no error.
    required: ['errors', 'method', 'payload', 'token'],
  },
}
