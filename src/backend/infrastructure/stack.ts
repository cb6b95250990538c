// The root module. The id of every construct is the address that Terraform prints and a runbook quotes, `aws_db_instance.main`: ids made
// by the library would end in a hash of where the construct stands.
import { type TerraformElement, TerraformStack } from 'cdktn'

export class RootModule extends TerraformStack {
  protected override allocateLogicalId(element: TerraformElement): string {
    return logicalId(element)
  }
}

/** What an address begins with when it is of no resource. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  TerraformVariable: 'var',
  TerraformLocal: 'local',
  TerraformOutput: 'output',
}

/**
 * The last part of an address.
 * @throws Error when the id is not the address of its element
 */
function logicalId(element: TerraformElement): string {
  const { id } = element.node
  const [, kind, name] = /^((?:data\.|ephemeral\.)?\w+)\.(\w+)$/.exec(id) ?? []
  if (name === undefined || kind !== kindOf(element)) {
    throw new Error(`${element.node.path} is a ${kindOf(element)}: its id has to be its address`)
  }
  return name
}

function kindOf(element: TerraformElement): string {
  const other = OTHER_KINDS[element.constructor.name]
  if (other !== undefined) return other
  const { terraformResourceType = '' } = element as { terraformResourceType?: string }
  const kind = /^(?:Data|Ephemeral)(?=Aws)/.exec(element.constructor.name)?.[0]
  return kind === undefined ? terraformResourceType : `${kind.toLowerCase()}.${terraformResourceType}`
}
