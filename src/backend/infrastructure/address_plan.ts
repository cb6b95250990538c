// How the network's 65,536 addresses are shared out. Pods have addresses of the network, so that the application tier gets three quarters
// of it. Each subnet is given as how many bits longer its prefix is than the network's, and which of the ranges of that length it is.

export const ZONES = 3

export interface Range {
  readonly newBits: number
  readonly firstNumber: number
}

export type Tier = 'app' | 'public' | 'data' | 'firewall' | 'egress'

/** Of 10.0.0.0/16: app 10.0.0.0/18 and on, public 10.0.192.0/22 and on, data 10.0.208.0/24 and on, and two small ones for the firewall. */
export const ADDRESS_PLAN: Readonly<Record<Tier, Range>> = {
  app: { newBits: 2, firstNumber: 0 },
  public: { newBits: 6, firstNumber: 48 },
  data: { newBits: 8, firstNumber: 208 },
  firewall: { newBits: 12, firstNumber: 3392 },
  egress: { newBits: 12, firstNumber: 3408 },
}

/** The range of one zone of a tier, as Terraform computes it from the network's. */
export function subnetExpression(tier: Tier, zone: string | number): string {
  const { newBits, firstNumber } = ADDRESS_PLAN[tier]
  return `cidrsubnet(var.vpc_cidr, ${newBits}, ${firstNumber} + ${zone})`
}
