// Pieces of Terraform's own language, for what is decided when a plan is made: counts, conditions, one instance of many. Each function
// takes the text that stands between `${` and `}` and says what type the binding should take it for.
import { type IResolvable, type TerraformResource, Token } from 'cdktn'

/** A string in Terraform's language. */
export function text(expression: string): string {
  return `\${${expression}}`
}

export function number(expression: string): number {
  return Token.asNumber(text(expression))
}

export function bool(expression: string): IResolvable {
  return Token.asAny(text(expression)) as IResolvable
}

export function list(expression: string): string[] {
  return Token.asList(text(expression))
}

/** `aws_subnet.app`, to be written into an expression. */
export function addressOf(resource: TerraformResource): string {
  return `${resource.terraformResourceType}.${resource.friendlyUniqueId}`
}

/** An attribute of all instances of a resource with a count. */
export function every(resource: TerraformResource, attribute: string): string[] {
  return list(`${addressOf(resource)}[*].${attribute}`)
}

/** An attribute of one instance of a resource with a count; the same instance as the one that asks, if nothing else is said. */
export function instance(
  resource: TerraformResource,
  attribute: string,
  index: string | number = 'count.index',
): string {
  return text(`${addressOf(resource)}[${index}].${attribute}`)
}

/** The only instance of a resource that a flag switches on, or an empty text. */
export function ifAny(resource: TerraformResource, attribute: string): string {
  return text(`one(${addressOf(resource)}[*].${attribute})`)
}
