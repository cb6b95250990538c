bucket       = "borrow-rate-engine-dev-terraform-state"
key          = "infrastructure/terraform.tfstate"
region       = "us-east-1"
encrypt      = true
use_lockfile = true
