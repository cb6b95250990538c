environment             = "dev"
database_instance_class = "db.t3.medium" # as small as it gets
replicas                = 2
nodes = {
  least = 2
  most  = 5
}
