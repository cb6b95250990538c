# Staging, as its plan would be: sizes, numbers, places. With credentials it asks AWS, which makes nothing of a plan;
# rehearsal/rehearsal.test.ts runs it without. (Terraform cannot mock a provider with ephemeral resources.)

# The same as in environments/staging/terraform.tfvars.
variables {
  environment                = "staging"
  nat_gateway_count          = 3
  domain_name                = "staging.borrow-rate.example.com"
  node_instance_types        = ["m6i.2xlarge", "m5.2xlarge"]
  node_count_min             = 3
  node_count_max             = 10
  database_instance_class    = "db.r5.large"
  database_multi_az          = true
  database_replica_count     = 1
  database_storage_gib       = 100
  database_storage_max_gib   = 500
  deletion_protection        = true
  cache_node_type            = "cache.m5.large"
  cache_cluster_mode_enabled = false
  cache_replicas_per_shard   = 1
  backup_retention_days      = 30
  log_retention_days         = 90
  audit_lock_days            = 30
  github_repository          = "example/borrow-rate-engine"
  github_environment         = "staging"
  alarm_email_addresses      = ["devops@example.com"]
}

run "sizes" {
  command = plan

  assert {
    condition     = aws_eks_cluster.main.name == "borrow-rate-engine-staging" && aws_db_instance.main.identifier == "borrow-rate-engine-staging"
    error_message = "The cluster and the database are called after the environment."
  }

  assert {
    condition     = one(aws_eks_node_group.services.scaling_config).min_size == 3 && one(aws_eks_node_group.services.scaling_config).max_size == 10
    error_message = "There are 3 to 10 nodes."
  }

  assert {
    condition     = aws_db_instance.main.instance_class == "db.r5.large" && aws_db_instance.main.multi_az == true && aws_db_instance.main.backup_retention_period == 30
    error_message = "The database is a db.r5.large, with a standby, and its backups are kept 30 days."
  }

  assert {
    condition     = length(aws_db_instance.replica) == 1 && aws_db_instance.replica[0].availability_zone == "us-east-1b"
    error_message = "There is one read replica."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.node_type == "cache.m5.large"
    error_message = "A node of the cache is a cache.m5.large."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.num_cache_clusters == 2
    error_message = "The cache has a primary and a replica."
  }

  assert {
    condition     = anytrue([for parameter in aws_elasticache_parameter_group.main.parameter : parameter.name == "cluster-enabled" && parameter.value == "no"])
    error_message = "Cluster mode is off."
  }
}

run "network" {
  command = plan

  assert {
    condition     = aws_vpc.main.cidr_block == "10.0.0.0/16"
    error_message = "The network is 10.0.0.0/16."
  }

  assert {
    condition     = alltrue([for tier in [aws_subnet.public, aws_subnet.app, aws_subnet.data] : length(distinct(tier[*].availability_zone)) == 3])
    error_message = "Each tier has a subnet in each of three zones."
  }

  assert {
    condition     = aws_subnet.app[*].cidr_block == ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"]
    error_message = "The application tier has three quarters of the addresses."
  }

  assert {
    condition     = aws_subnet.data[*].cidr_block == ["10.0.208.0/24", "10.0.209.0/24", "10.0.210.0/24"]
    error_message = "The data tier has 10.0.208.0/24 and on."
  }

  assert {
    condition     = length(aws_nat_gateway.main) == 3
    error_message = "There are three NAT gateways."
  }

  assert {
    condition     = length(aws_networkfirewall_firewall.egress) == 0 && length(aws_route.app_to_nat) == 3
    error_message = "What leaves the application tier goes to a NAT gateway."
  }
}

run "a_wrong_value_is_refused" {
  command = plan

  variables {
    node_count_max = 2
  }

  expect_failures = [var.node_count_max]
}
