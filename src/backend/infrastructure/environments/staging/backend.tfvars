# Where the state is: a bucket that bootstrap.sh makes, encrypted and with all its versions. The lock is a file beside the state.
bucket       = "borrow-rate-engine-staging-terraform-state"
key          = "borrow-rate-engine/terraform.tfstate"
region       = "us-east-1"
encrypt      = true
use_lockfile = true
