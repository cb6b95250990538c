// Sections of Fluent Bit's classic format, without what we do not use: includes, variables, comments.
export type Section = Readonly<Record<string, string>>

export function sectionsOf(text: string): Section[] {
  return text
    .split(/^\[\w+\]$/m)
    .slice(1)
    .map((section) =>
      Object.fromEntries(
        section
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => {
            const [, key = '', value = ''] = /^ {4}(\S+) (.+)$/.exec(line) ?? []
            return [key, value]
          }),
      ),
    )
}
