#!/usr/bin/env bash
# Makes the bucket that Terraform keeps an environment's state in, before Terraform can: encrypted, with all its versions, closed to the
# public and to whatever comes without TLS. May be run again at any time; what is there already is set to what is written here.
#
#     ENV=dev ./bootstrap.sh
#
# Needs the AWS command line and credentials of the environment's account.
set -euo pipefail

if [[ ! "${ENV:-}" =~ ^(dev|staging|prod)$ ]]; then
  echo "ENV is dev, staging or prod" >&2
  exit 2
fi

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
value() { sed -n "s/^$1 *= *\"\(.*\)\"$/\1/p" "$here/environments/$ENV/backend.tfvars"; }
bucket="$(value bucket)"
region="$(value region)"

if aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1; then
  echo "$bucket is there"
elif [[ "$region" == us-east-1 ]]; then
  # The one region that may not be named as a place.
  aws s3api create-bucket --bucket "$bucket" --region "$region" >/dev/null
  echo "made $bucket"
else
  aws s3api create-bucket --bucket "$bucket" --region "$region" \
    --create-bucket-configuration "LocationConstraint=$region" >/dev/null
  echo "made $bucket"
fi

aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-ownership-controls --bucket "$bucket" \
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$bucket" --server-side-encryption-configuration \
  '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"},"BucketKeyEnabled":true}]}'
aws s3api put-bucket-policy --bucket "$bucket" --policy "{
  \"Version\": \"2012-10-17\",
  \"Statement\": [{
    \"Sid\": \"RefuseUnencrypted\", \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\",
    \"Resource\": [\"arn:aws:s3:::$bucket\", \"arn:aws:s3:::$bucket/*\"],
    \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}
  }]
}"
aws s3api put-bucket-lifecycle-configuration --bucket "$bucket" --lifecycle-configuration \
  '{"Rules":[{"ID":"old-states","Status":"Enabled","Filter":{"Prefix":""},"NoncurrentVersionExpiration":{"NoncurrentDays":365}}]}'
echo "$bucket holds the state of $ENV"
