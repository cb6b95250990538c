// Plans of names and tags.
import { type Examples, inEnvironment, planned } from './example.ts'

const TAGS = { Environment: 'prod', Project: 'borrow-rate-engine', ManagedBy: 'terraform' }
const provider = (tags: object) => ({
  ...planned('provider.aws', { default_tags: [{ tags }] }),
  type: 'provider',
  name: 'aws',
})
const BARE = planned('aws_sns_topic.alarms', { tags: null })

export const NAMING_EXAMPLES: Examples = {
  'BRE-43': {
    keeps: {
      'by the provider': [provider(TAGS), BARE],
      'by the resource': [planned('aws_sns_topic.alarms', { tags: TAGS })],
      'what can have none': [planned('aws_route_table_association.app')],
    },
    breaks: {
      none: [BARE],
      'one is missing': [provider({ Environment: 'prod', Project: 'x' }), BARE],
      "another environment's": inEnvironment('dev', [provider(TAGS), BARE]),
    },
  },
  'BRE-44': {
    keeps: {
      'a name with it': [planned('aws_db_instance.main', { identifier: 'borrow-rate-engine-prod' })],
      'a path with it': [
        planned('aws_ssm_parameter.version', { name: '/borrow-rate-engine/production/deployed-version' }),
      ],
      'the same images everywhere': [planned('aws_ecr_repository.engine', { name: 'borrow-rate-engine' })],
    },
    breaks: {
      'a name without': [planned('aws_db_instance.main', { identifier: 'borrow-rate-engine' })],
      'a part of a word': [planned('aws_s3_bucket.products', { bucket: 'borrow-rate-engine-products' })],
      "another environment's": inEnvironment('dev', [planned('aws_iam_role.nodes', { name: 'engine-prod-nodes' })]),
    },
  },
}
