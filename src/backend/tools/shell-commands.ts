// The commands of a piece of shell, as words: enough of the language for what documents show. Here-documents, comments and
// redirections are left out, `$(…)` is read as commands of its own, and a variable stays as it is written.

/** One command: its program and its arguments, without quotes. */
export type Command = readonly string[]

/** Words after which another command begins. */
const BEGINNINGS = new Set(['&&', '||', ';', '|', '&', '(', ')', '{', '}', 'do', 'then', 'else', 'if', 'while', '!'])
/** Words that end something and are no program. */
const ENDINGS = new Set(['done', 'fi', 'for', 'in', 'case', 'esac'])
const REDIRECTION = /^\d?(?:>>?|<)(?:&\d)?$/
const ASSIGNMENT = /^[A-Za-z_]\w*=/

/** Every command of the text, those inside `$(…)` too. */
export function shellCommands(text: string): Command[] {
  const { words, inner } = tokens(withoutHereDocuments(text).replace(/\\\n/g, ' '))
  const commands: string[][] = []
  let current: string[] = []
  const end = () => {
    if (current.length > 0) commands.push(current)
    current = []
  }
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as Word
    if (word.text === '\n' || (!word.quoted && BEGINNINGS.has(word.text))) end()
    else if (!word.quoted && REDIRECTION.test(word.text)) at += word.text.includes('&') ? 0 : 1
    else if (!word.quoted && current.length === 0 && (ASSIGNMENT.test(word.text) || ENDINGS.has(word.text))) continue
    else current.push(word.text)
  }
  end()
  return [...commands, ...inner.flatMap(shellCommands)]
}

/** Functions that the text defines: `name() { … }`. */
export function shellFunctions(text: string): string[] {
  return [...text.matchAll(/^\s*([a-z_]\w*)\(\)\s*\{/gm)].map((match) => match[1] ?? '')
}

function withoutHereDocuments(text: string): string {
  return text.replace(/<<-?\s*(['"]?)(\w+)\1([^\n]*)\n[\s\S]*?\n\2(?=\n|$)/g, '$3')
}

interface Word {
  readonly text: string
  readonly quoted: boolean
}

function tokens(text: string): { words: Word[]; inner: string[] } {
  const words: Word[] = []
  const inner: string[] = []
  let word = ''
  let inWord = false
  let quoted = false
  const end = () => {
    if (inWord) words.push({ text: word, quoted })
    word = ''
    inWord = false
    quoted = false
  }
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] as string
    if (sign === "'") {
      const close = text.indexOf("'", at + 1)
      word += text.slice(at + 1, close)
      inWord = quoted = true
      at = close
    } else if (sign === '"') {
      const close = endOfDoubleQuotes(text, at + 1)
      const content = text.slice(at + 1, close)
      inner.push(...substitutions(content))
      word += content.replace(/\\(["\\$`])/g, '$1')
      inWord = quoted = true
      at = close
    } else if (sign === '$' && text[at + 1] === '(') {
      const close = endOfParentheses(text, at + 1)
      inner.push(text.slice(at + 2, close))
      word += text.slice(at, close + 1)
      inWord = true
      at = close
    } else if (sign === '$' && text[at + 1] === '{') {
      const close = text.indexOf('}', at)
      word += text.slice(at, close + 1)
      inWord = true
      at = close
    } else if (sign === '\\') {
      word += text[at + 1] ?? ''
      inWord = true
      at += 1
    } else if (sign === '#' && !inWord) {
      const lineEnd = text.indexOf('\n', at)
      at = (lineEnd === -1 ? text.length : lineEnd) - 1
    } else if (sign === '\n') {
      end()
      words.push({ text: '\n', quoted: false })
    } else if (/\s/.test(sign)) {
      end()
    } else if (/[|&;(){}]/.test(sign) && !(/[{}]/.test(sign) && inWord)) {
      // `name()` is the head of a function, which is no command.
      if (sign === '(' && text[at + 1] === ')') {
        word = ''
        inWord = false
        at += 1
        continue
      }
      if (sign === '&' && /[<>]$/.test(word)) {
        word += sign
        continue
      }
      end()
      const double = text[at + 1] === sign && /[|&;]/.test(sign)
      words.push({ text: double ? sign + sign : sign, quoted: false })
      at += double ? 1 : 0
    } else if (/[<>]/.test(sign)) {
      if (!/^\d?[<>]?$/.test(word)) end()
      word += sign
      inWord = true
      if (text[at + 1] !== sign && text[at + 1] !== '&') end()
    } else {
      word += sign
      inWord = true
    }
  }
  end()
  return { words, inner }
}

function endOfDoubleQuotes(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '$' && text[at + 1] === '(') at = endOfParentheses(text, at + 1)
    else if (text[at] === '"') return at
  }
  return text.length
}

function endOfParentheses(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "'") at = text.indexOf("'", at + 1)
    else if (text[at] === '"') at = endOfDoubleQuotes(text, at + 1)
    else if (text[at] === '(') depth += 1
    else if (text[at] === ')') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return text.length
}

function substitutions(text: string): string[] {
  const found: string[] = []
  for (let at = text.indexOf('$('); at !== -1; at = text.indexOf('$(', at)) {
    const close = endOfParentheses(text, at + 1)
    found.push(text.slice(at + 2, close))
    at = close
  }
  return found
}
